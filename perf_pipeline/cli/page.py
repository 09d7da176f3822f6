"""Serve the page of a run from a separate process, so that the run computes nothing for it.

Add here: nothing. Keep out: what is served (following/).
"""

import os
import selectors
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from perf_pipeline.store.state import State

_LONGEST_START_S: Final = 30.0


def start_page(state: "State", *, opens: bool) -> str:
    """Start `perf-pipeline watch`, which ends with this process; return its address.

    Ctrl-C at this terminal is meant for the run; the page stays until the run has ended.

    Args:
        state: the folder whose run is shown.
        opens: whether to open the page in the browser.

    Returns:
        The address; empty if the page could not be served in time.
    """
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "perf_pipeline", "--state", str(state.folder)),
            *("watch", "--for-pid", str(os.getpid())),
            *(["--open"] if opens else []),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout as output:
        return _first_line(output)


def _first_line(output: IO[bytes]) -> str:
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        if not selector.select(_LONGEST_START_S):
            return ""
    return output.readline().decode(errors="replace").strip()
