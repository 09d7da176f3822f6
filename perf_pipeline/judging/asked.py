"""Which run is asked about: the last one, or one by its id, from the history or from the spool.

Add here: another way to name a run. Keep out: what is told of it.
"""

from perf_pipeline.errors import RequestError
from perf_pipeline.judging.reruns import RERUNS, TRIGGER
from perf_pipeline.store.state import State
from perf_pipeline.store.waiting import take_up


def asked_run(state: State, run_id: str | None) -> str:
    """Give the run of this id, or the last one without; a run that was killed counts, too.

    Raises:
        RequestError: there is no such run, or none at all.
        StoreBusyError: the history is open elsewhere.
    """
    if run_id is None:
        return latest_run(state)
    require_runs(state)
    with state.history() as history:
        take_up(history, state)
        return history.run(run_id).run_id


def latest_run(state: State) -> str:
    """Give the run that was made last, whatever its date says and however little it measured.

    A re-run belongs to the run that it confirms.

    Raises:
        RequestError: there is none.
    """
    return run_to_judge(state)


def run_to_judge(state: State, *run_ids: str) -> str:
    """Give the first of these runs that is known, else the last one: judging needs no new load.

    Raises:
        RequestError: there is no run at all.
    """
    require_runs(state)
    with state.history() as history:
        take_up(history, state)
        known, runs = history.run_ids(), history.runs(limit=RERUNS + 1)
    last = [run.run_id for run in runs if run.trigger != TRIGGER]
    for run_id in (*run_ids, *last):
        if run_id in known:
            return run_id
    raise _no_run(state)


def require_runs(state: State) -> State:
    """Give a state folder back that has a history or a spool: a question makes neither.

    Raises:
        RequestError: it has none, so that no run was ever made in it.
    """
    if not (state.history_file.exists() or state.spool.is_dir()):
        raise _no_run(state)
    return state


def _no_run(state: State) -> RequestError:
    return RequestError(
        f"there is no run in {state.history_file}",
        hint="`perf-pipeline run` makes one; `--state FOLDER` looks in another place",
    )
