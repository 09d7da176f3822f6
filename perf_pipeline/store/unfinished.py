"""Find unfinished runs: under way, with benchmarks that wait in the spool, or not judged.

Add here: another reason why a run is not whole. Keep out: runs that the history does not know
(waiting.py).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from perf_pipeline.store.removal import KnownRun, StoredLoad
from perf_pipeline.store.state import State

if TYPE_CHECKING:
    from perf_pipeline.store.history import History

# A judged benchmark has verdicts: every one of them is at least asked whether the target answered.
_UNJUDGED: Final = (
    "select distinct run_id from benchmarks anti join verdicts using (run_id, benchmark)"
)


def unfinished(state: State, runs: Iterable[KnownRun], loads: Iterable[StoredLoad]) -> set[str]:
    """Return the runs with a folder in the spool that have not stored all they were to do."""
    stored = {(load.run_id, load.benchmark) for load in loads}
    return {
        run.run_id
        for run in runs
        if any((run.run_id, name) not in stored for name in run.planned)
        and (state.spool / run.run_id).is_dir()
    }


def waiting(state: State, runs: Iterable[KnownRun], loads: Iterable[StoredLoad]) -> set[str]:
    """Return the runs with a benchmark in the spool that is not stored yet."""
    stored = {(load.run_id, load.benchmark) for load in loads}
    return {
        run.run_id
        for run in runs
        for name in state.spooled_benchmarks(run.run_id)
        if (run.run_id, name) not in stored
    }


def unjudged(history: "History") -> set[str]:
    """Return the runs with a stored benchmark that has no verdict."""
    return {run_id for (run_id,) in history.connection.execute(_UNJUDGED).fetchall()}
