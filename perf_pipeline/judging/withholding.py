"""Work out what the gate left undecided because the environment changed, and for how many runs.

Add here: another fact about a withheld gate. Keep out: when it is withheld
(analysis/environment.py), and the sentence (report/why.py).
"""

from collections.abc import Iterator, Sequence
from statistics import median

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.analysis.shared import LASTING_RUNS
from perf_pipeline.config.baseline_policy import OnEnvironmentChanged
from perf_pipeline.report.model import Withheld
from perf_pipeline.store.baselines import (
    ChangePointRow,
    SeriesKey,
    changes,
    diffs_with_history,
    withheld_before,
)
from perf_pipeline.store.comparison_rows import DiffRow
from perf_pipeline.store.history import History

_NOT_COMPARED = frozenset({DiffStatus.NO_DATA, DiffStatus.INVALID, DiffStatus.LEARNING})


def withheld_of(
    history: History,
    run_id: str,
    diffs: Sequence[tuple[str, Diff]],
    on_change: OnEnvironmentChanged,
) -> Withheld | None:
    """Return what the gate did not decide; None if it decided everything.

    Args:
        history: the open history.
        run_id: the id of the run.
        diffs: the diffs of the run, as (benchmark, diff).
        on_change: what a withheld gate does to the run.
    """
    held = [diff for _, diff in diffs if diff.status is DiffStatus.ENVIRONMENT_CHANGED]
    if not held:
        return None
    before = withheld_before(history, run_id)
    since = before[-1] if before else run_id
    return Withheld(
        series=len(held),
        compared=sum(diff.status not in _NOT_COMPARED for _, diff in diffs),
        reasons=tuple(dict.fromkeys(diff.reason for diff in held)),
        since=since,
        in_a_row=len(before) + 1,
        fails=on_change == "fail",
        new_level=_new_level(history, [run_id, *before[: LASTING_RUNS - 1]]),
        pull_request=history.run(since).revision.get("pull_request", ""),
    )


def machine_changes(history: History, run_id: str) -> Iterator[ChangePointRow]:
    """Return the new levels on which the last five runs agree, if all their gates were withheld.

    A series has one if most of these runs were withheld for it. As soon as the level is known,
    later runs are compared from the first of the five on (`analysis.window.anchor`).

    Args:
        history: the open history, with the diffs of the run.
        run_id: the id of the newest of the five runs.
    """
    runs = [run_id, *withheld_before(history, run_id)][:LASTING_RUNS]
    rows = [_held(history, run) for run in runs]
    if len(runs) < LASTING_RUNS or not rows[0]:
        return
    for key in dict.fromkeys(key for held in rows for key in held):
        found = [held[key] for held in rows if key in held]
        values = [row.value for row in found if row.value is not None]
        if 2 * len(values) > LASTING_RUNS:
            level = found[0].baseline_median
            yield ChangePointRow(runs[-1], key, "machine", level, median(values))


def _held(history: History, run_id: str) -> dict[SeriesKey, DiffRow]:
    return {
        key: row
        for key, row in diffs_with_history(history, run_id).items()
        if row.status == DiffStatus.ENVIRONMENT_CHANGED
    }


def _new_level(history: History, runs: Sequence[str]) -> str:
    found = {row.run_id for row in changes(history) if row.found_by == "machine"}
    return next((run for run in runs if run in found), "")
