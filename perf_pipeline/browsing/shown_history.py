"""Keep the copy of a history that is shown, so that no reader keeps a run waiting.

Nothing that a page asks for can change the history, or the place, that it is a copy of.
Add here: another origin. Keep out: pages (server.py).
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.judging.asked import require_runs
from perf_pipeline.sharing.pulling import PullWish, pull
from perf_pipeline.store.snapshot import copy_history
from perf_pipeline.store.state import State

_ASK_PLACE_S: Final = 60.0
_ASK_FILE_S: Final = 2.0

Refresh = Callable[[State], object]


class ShownHistory:
    """Hold a copy that is renewed when somebody looks, and not more often than it may.

    Attributes:
        state: folder of the copy.
        version: how often it was renewed.
        trouble: why the copy is older than it should be; empty where it is not.

    Args:
        folder: for the copy.
        refresh: brings it up to date; says False when there was nothing new.
        every_s: how often at most.
    """

    def __init__(self, folder: Path, refresh: Refresh, every_s: float) -> None:
        self.state = State(folder)
        self.version = 0
        self.trouble = ""
        self._refresh = refresh
        self._every_s = every_s
        self._asked_s = float("-inf")
        self.reading = threading.Lock()

    def renew(self) -> None:
        """Bring the copy up to date if it is time; readers hold `reading`.

        Raises:
            PerfPipelineError: there is no copy yet, and none can be made.
        """
        now_s = time.monotonic()
        if now_s - self._asked_s < self._every_s:
            return
        self._asked_s = now_s
        try:
            if self._refresh(self.state) is not False:
                self.version += 1
            self.trouble = ""
        except PerfPipelineError as error:
            if not self.state.history_file.exists():
                raise
            self.trouble = f"these are the runs as read before: {error.sentence}"


def shown_state(state: State, folder: Path) -> ShownHistory:
    """Show the history of a state folder.

    Raises:
        RequestError: no run was ever made in it.
    """
    require_runs(state)
    known: list[object] = []

    def refresh(copy: State) -> bool:
        try:
            found = state.history_file.stat()
        except OSError:
            found = None
        mark = None if found is None else (found.st_mtime_ns, found.st_size)
        if known == [mark]:
            return False
        copy_history(state.history_file, copy.history_file)
        known[:] = [mark]
        return True

    return ShownHistory(folder, refresh, _ASK_FILE_S)


def shown_place(url: str, folder: Path) -> ShownHistory:
    """Show the runs of a team's place."""

    def refresh(copy: State) -> bool:
        done = pull(copy, url, PullWish())
        return bool(done.moved or done.decided)

    return ShownHistory(folder, refresh, _ASK_PLACE_S)
