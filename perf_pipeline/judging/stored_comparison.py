"""Store the comparison of a run: its diffs, their origins, and dated changes.

Add here: another fact of a comparison that later runs need. Keep out: the comparison itself
(compare.py).
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from perf_pipeline import __version__
from perf_pipeline.analysis.baseline import Diff
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.history_pass import date_changes
from perf_pipeline.judging.machine_change import levels_for_good
from perf_pipeline.judging.reruns import TRIGGER
from perf_pipeline.judging.series import MeasuredBenchmark
from perf_pipeline.store.baselines import ChangePointRow, store_changes
from perf_pipeline.store.comparison_rows import DiffRow
from perf_pipeline.store.history import History
from perf_pipeline.store.lineage import Lineage, store_judged
from perf_pipeline.store.tags_text import tags_text

if TYPE_CHECKING:
    from perf_pipeline.judging.compare import Compared, Comparison


def store_comparison(
    history: History,
    run_id: str,
    profile: Profile,
    comparison: "Comparison",
    *,
    is_settled: bool = True,
) -> None:
    """Store a comparison of a run, replacing the previous one.

    Confirmed changes are stored as change points, from which on later runs are compared. Those of a
    re-run are not, nor those of a run whose re-runs are still to come, which may revoke a change.
    """
    _store(history, run_id, profile, comparison.compared)
    if not is_settled:
        return
    if history.run(run_id).trigger != TRIGGER:  # the run that it confirms decides
        store_changes(history, _changes(comparison.compared))
        levels = levels_for_good(history, run_id, _by_history(comparison), comparison.past)
        store_changes(history, levels)
    date_changes(history, comparison.measured, comparison.past, profile)


def _by_history(comparison: "Comparison") -> list[tuple[MeasuredBenchmark, Diff]]:
    return [
        (compared.measured, compared.diff)
        for compared in comparison.compared
        if compared.diff.pinned is None and not compared.diff.against
    ]


def _changes(compared: Sequence["Compared"]) -> Iterator[ChangePointRow]:
    for comparison in compared:
        if comparison.since:
            key = comparison.measured.key(comparison.diff.series)
            before, now = comparison.diff.noise.median, comparison.diff.value
            yield ChangePointRow(comparison.since, key, "gate", before, now)


def _store(history: History, run_id: str, profile: Profile, compared: Sequence["Compared"]) -> None:
    config_hash = profile.config_hash  # the hash is worked out from the whole profile each time
    rows = [
        (comparison.benchmark, _row(comparison.diff), _lineage(comparison, config_hash))
        for comparison in compared
    ]
    store_judged(history, run_id, rows)


def _lineage(comparison: "Compared", config_hash: str) -> Lineage:
    against, reason = comparison.diff.against, comparison.diff.reason
    return Lineage(against, comparison.run_ids, reason, config_hash, __version__)


def _row(diff: Diff) -> DiffRow:
    effect = diff.effect
    kind = "history" if diff.pinned is None else "pinned"
    return DiffRow(
        metric=diff.series.metric,
        tags=tags_text(diff.series.tags),
        statistic=diff.series.statistic,
        value=diff.value,
        baseline_kind="release" if diff.against else kind,
        baseline_runs=diff.noise.n,
        baseline_median=diff.noise.median if diff.pinned is None else diff.pinned,
        change_ratio=effect.change if effect else None,
        change_low=effect.low if effect else None,
        change_high=effect.high if effect else None,
        minimum_detectable_ratio=diff.minimum_detectable,
        status=diff.status.value,
    )
