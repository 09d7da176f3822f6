"""Stop the run that is followed, as Ctrl-C in its terminal does.

Add here: another way to ask a run to end. Keep out: who may ask (guard.py).
"""

import os
import signal
from typing import Final

from perf_pipeline.following.followed_run import FollowedRun, RunStage
from perf_pipeline.store.live_stream import ask_to_stop
from perf_pipeline.store.state import State

_ASKED: Final = "it was asked to stop already; what was measured is being stored and judged"


def stop(state: State, run: FollowedRun) -> str:
    """Ask the run under way to end, once; return why it was not asked, empty when it was.

    It gets SIGTERM, which the command line and Dagster both take for Ctrl-C. A second signal would
    end it at once, with nothing judged, so that nobody sends one from a page.
    """
    if why := _why_not(run):
        return why
    assert run.pid is not None, "it is under way here"
    try:
        if not ask_to_stop(state.live):
            return _ASKED
        _terminate(run.pid)
    except ProcessLookupError:
        return "its process has just ended"
    except OSError as error:
        return f"its process {run.pid} could not be asked: {error.strerror}"
    return ""


def _why_not(run: FollowedRun) -> str:
    if run.stage is RunStage.STOPPING:
        return _ASKED
    if run.stage is not RunStage.RUNNING:
        return "no run is under way"
    if run.pid is None:
        return (
            "its process can't be seen from here, as it runs in another container or on "
            "another machine; stop it there with Ctrl-C"
        )
    return ""


def _terminate(pid: int) -> None:
    if not hasattr(signal, "pidfd_send_signal"):
        os.kill(pid, signal.SIGTERM)
        return
    descriptor = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
    finally:
        os.close(descriptor)
