"""Read what earlier steps of a run have stored in the history.

Add here: another question of a driver. Keep out: working anything out again.
"""

from perf_pipeline.judging.reruns import TRIGGER
from perf_pipeline.metrics.threshold import Verdict
from perf_pipeline.store.state import State


def stored_verdicts(state: State, run_id: str, benchmark: str) -> list[Verdict]:
    """Return the stored verdicts of one benchmark, in the order of the profile.

    Raises:
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        return [verdict for name, verdict in history.verdicts(run_id) if name == benchmark]


def last_run_with(state: State, benchmark: str, otherwise: str) -> str:
    """Return the last run that planned or did a benchmark; if there is none, the last run.

    Raises:
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        return history.last_run_with(benchmark, but=TRIGGER) or otherwise
