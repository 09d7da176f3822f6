"""Push a run that was just judged to its team's history; whatever fails there changes no verdict.

Add here: another moment at which runs are shared. Keep out: how (sharing/).
"""

import threading
from typing import Final

from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.loading.session import Session
from perf_pipeline.narration import Say
from perf_pipeline.sharing.pushing import PushWish, push
from perf_pipeline.store.state import State

_WITHIN_S: Final = 60.0


def share_measured(session: Session | None) -> None:
    """Push the run of a session, with its re-runs, where its profile names a place; never fail it.

    Args:
        session: the session of the run; None when it was measured before, and is only judged again.
    """
    if session is None or not (url := session.profile.history.remote):
        return
    share_run(session.state, session.run_id, url, say=session.say)


def share_run(
    state: State, run_id: str, url: str, *, say: Say, within_s: float = _WITHIN_S
) -> None:
    """Push a run with its re-runs, and say what became of it and how it is repeated.

    Args:
        state: folder of the history.
        run_id: the id of a judged run.
        url: the URL of the place.
        say: receives the outcome.
        within_s: for how long the place is waited for.
    """
    told: list[str] = []
    pushing = threading.Thread(target=_push, args=(state, run_id, url, told), daemon=True)
    pushing.start()
    pushing.join(within_s)
    if pushing.is_alive():
        say(_not_pushed(url, f"{url} did not answer within {within_s:g} s"))
    for sentence in told:
        say(sentence)


def _push(state: State, run_id: str, url: str, told: list[str]) -> None:
    try:
        done = push(state, url, PushWish(run_ids=[run_id]))
    except PerfPipelineError as error:
        told.append(_not_pushed(url, error.sentence))
    except Exception as error:  # noqa: BLE001 - the run has its verdict, which this must not change
        told.append(_not_pushed(url, f"{type(error).__name__}: {error}"))
    else:
        told += [*done.sentences(), *done.complaints()]


def _not_pushed(url: str, why: str) -> str:
    return f"the run was not pushed: {why}; `perf-pipeline push {url}` does it again"
