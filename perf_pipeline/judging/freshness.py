"""Find how old the last valid run is, because a gate needs recent measurements.

Add here: another question about age. Keep out: receivers of alerts.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from perf_pipeline.judging.reruns import TRIGGER
from perf_pipeline.store.history import History
from perf_pipeline.store.state import State

_MOST_LOOKED_AT: Final = 200
_BUSY_WAIT_S: Final = 1.0


def last_valid_run(state: State) -> tuple[str, datetime] | None:
    """Return the id of the newest run in which every benchmark was measured, and when it began.

    A threshold may have failed in it; what counts is that it says something about the target. None
    if none of the newest 200 runs is valid, or there is no history yet.

    Raises:
        StoreBusyError: the history is open elsewhere.
    """
    if not state.history_file.exists():
        return None
    with state.history(wait_s=_BUSY_WAIT_S) as history:
        for run in history.runs(limit=_MOST_LOOKED_AT):
            if run.trigger != TRIGGER and _is_valid(history, run.run_id, run.planned or ()):
                return run.run_id, datetime.fromisoformat(run.began_at)
    return None


def _is_valid(history: History, run_id: str, planned: Collection[str]) -> bool:
    outcomes = history.outcomes(run_id)
    measured = {outcome.benchmark for outcome in outcomes}
    return (
        bool(outcomes)
        and set(planned) <= measured
        and all(
            outcome.valid and outcome.status in {"complete", "abort_on_fail"}
            for outcome in outcomes
        )
    )
