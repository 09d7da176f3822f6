"""Find the run that a command refers to, by its id or as the last run, in history or spool.

Add here: another way to name a run. Keep out: reports about it.
"""

from collections.abc import Collection

from perf_pipeline.config.reruns import RERUNS
from perf_pipeline.errors import RequestError
from perf_pipeline.judging.reruns import TRIGGER
from perf_pipeline.store.history import History
from perf_pipeline.store.rerun_ids import rerun_of
from perf_pipeline.store.run_rows import LATEST, last_run_of
from perf_pipeline.store.state import State
from perf_pipeline.store.waiting import take_up


def asked_run(state: State, run_id: str | None) -> str:
    """Return the named run, or the last run if none is named; killed runs count, too.

    Args:
        state: the folder of history and spool.
        run_id: an id, a unique beginning of an id, or `latest`; or a version or a commit of the
            target, which means the newest run of it.

    Raises:
        RequestError: there is no such run, or no run at all, or several ids begin with the text.
        StoreBusyError: the history is open elsewhere.
    """
    require_runs(state)
    with state.history() as history:
        return asked_in(history, state, run_id)


def asked_in(history: History, state: State, run_id: str | None) -> str:
    """Return the named run as `asked_run` does, from an open history.

    Raises:
        RequestError: there is no such run, or no run at all, or several ids begin with the text.
    """
    if run_id is None or run_id == LATEST:
        return _to_judge(history, state)
    take_up(history, state)
    found = begun_by(run_id, history.run_ids())
    found = found or last_run_of(history.connection, run_id, but=TRIGGER)
    return history.run(found or run_id).run_id


def begun_by(beginning: str, known: Collection[str]) -> str | None:
    """Return the only id that equals or begins with a text; None if there is none, or several.

    A run takes precedence over its re-runs, whose ids begin with its own.
    """
    if beginning in known:
        return beginning
    found = sorted((run_id for run_id in known if run_id.startswith(beginning)), key=len)
    if found and all(rerun_of(run_id) == found[0] for run_id in found[1:]):
        return found[0]
    return None


def run_to_judge(state: State, *run_ids: str) -> str:
    """Return the first of these runs that is known, else the last run, which judging can reuse.

    The last run is the one that was made last, whatever its date and however little it measured. A
    re-run belongs to the run that it confirms.

    Raises:
        RequestError: there is no run at all.
    """
    require_runs(state)
    with state.history() as history:
        return _to_judge(history, state, *run_ids)


def _to_judge(history: History, state: State, *run_ids: str) -> str:
    take_up(history, state)
    known, runs = history.run_ids(), history.runs(limit=RERUNS + 1)
    last = [run.run_id for run in runs if run.trigger != TRIGGER]
    for run_id in (*run_ids, *last):
        if run_id in known:
            return run_id
    raise _no_run(state)


def require_runs(state: State) -> State:
    """Return a state folder that has a history or a spool; refuse any other.

    Raises:
        RequestError: it has neither, so no run was ever made in it.
    """
    if not (state.history_file.exists() or state.spool.is_dir()):
        raise _no_run(state)
    return state


def _no_run(state: State) -> RequestError:
    return RequestError(
        f"there is no run in {state.history_file}",
        hint="`perf-pipeline run` makes one; `--state FOLDER` looks in another place",
    )
