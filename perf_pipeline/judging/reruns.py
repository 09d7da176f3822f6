"""What the re-runs of a suspect benchmark say about it: the verdict of 2 of 3.

Add here: another rule over re-runs. Keep out: making them (runs/confirm.py).
"""

from dataclasses import replace
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.store.baselines import confirmations
from perf_pipeline.store.history import History
from perf_pipeline.store.tags_text import tags_text

RERUNS: Final = 2
"""Two re-runs and the run itself are three."""

TRIGGER: Final = "confirm"
"""What a re-run says who started it."""

_IN_LINE: Final = frozenset({DiffStatus.OK, DiffStatus.IMPROVED})


def settled(history: History, run_id: str, benchmark: str, one: Diff) -> Diff:
    """Settle a suspect by its re-runs; anything else, and one without re-runs, stays as it is.

    REGRESSED when a re-run was out of line as well, OK when two were in line.
    """
    if one.status is not DiffStatus.SUSPECT or one.pinned is not None:
        return one
    statuses = attempts(history, run_id, benchmark, one)
    for rerun, status in statuses.items():
        if status is DiffStatus.REGRESSED:
            reason = f"2 of 3 runs are out of line in the bad direction, with re-run {rerun}"
            return replace(one, status=status, reason=reason)
    if sum(status in _IN_LINE for status in statuses.values()) >= RERUNS:
        reason = f"out of line once, and in line in {len(statuses)} re-runs"
        return replace(one, status=DiffStatus.OK, reason=reason)
    return one


def attempts(history: History, run_id: str, benchmark: str, one: Diff) -> dict[str, DiffStatus]:
    """Give what each re-run of a run says about one series, oldest first.

    A re-run in which the series was not measured is left out.
    """
    return {
        rerun: status
        for rerun in confirmations(history, run_id)
        if (status := _status(history, rerun, benchmark, one)) is not None
    }


def _status(history: History, rerun: str, benchmark: str, one: Diff) -> DiffStatus | None:
    where = (one.series.metric, tags_text(one.series.tags), one.series.statistic)
    return next(
        (
            DiffStatus(row.status)
            for name, row in history.diffs(rerun)
            if name == benchmark
            and row.baseline_kind == "history"
            and (row.metric, row.tags, row.statistic) == where
        ),
        None,
    )
