"""Store the comparison of a run: its diffs, their origins, and dated changes.

Add here: another fact of a comparison that later runs need. Keep out: the comparison itself
(compare.py).
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING

from perf_pipeline import __version__
from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.history_pass import date_changes
from perf_pipeline.judging.machine_change import levels_for_good
from perf_pipeline.judging.reruns import TRIGGER
from perf_pipeline.judging.series import MeasuredBenchmark
from perf_pipeline.store.baselines import (
    ChangePointRow,
    changes,
    diffs_with_history,
    forget_changes,
    store_changes,
)
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
    A change that was stored before its run's re-runs revoked it is deleted.
    """
    _store(history, run_id, profile, comparison.compared)
    if not is_settled:
        return
    if history.run(run_id).trigger != TRIGGER:  # the run that it confirms decides
        forget_changes(history, [*_revoked(history, run_id, comparison)])
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


def _revoked(history: History, run_id: str, comparison: "Comparison") -> Iterator[ChangePointRow]:
    """Yield the gate's stored changes that a run's re-runs took back and no other run shows."""
    gone = {
        (compared.revoked, compared.measured.key(compared.diff.series)): compared
        for compared in comparison.compared
        if compared.revoked
    }
    stored = [row for row in changes(history) if row.found_by == "gate"] if gone else []
    for row in stored:
        compared = gone.get((row.run_id, row.series))
        if compared is None:
            continue
        whole = comparison.past.whole(compared.measured, compared.diff.series)
        others = [point.run_id for point in whole if point.run_id != run_id]
        starts = {other.run_id for other in stored if other.series == row.series}
        if not _is_shown(history, row, others, starts):
            yield row


def _is_shown(
    history: History, row: ChangePointRow, others: Sequence[str], starts: Collection[str]
) -> bool:
    """Say whether one of these runs is REGRESSED by a change: from it on, until the next change."""
    from_it = dropwhile(lambda other: other != row.run_id, others)
    until_next = takewhile(lambda other: other == row.run_id or other not in starts, from_it)
    return any(
        found.status == DiffStatus.REGRESSED
        for other in until_next
        if history.run(other).trigger != TRIGGER
        and (found := diffs_with_history(history, other).get(row.series)) is not None
    )


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
