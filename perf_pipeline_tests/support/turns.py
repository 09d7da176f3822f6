"""Side by side or alone: which tests of the suite's processes may run at the same time.

A test marked `alone` measures time, or needs the machine: it runs while no other test does. Add
here: nothing. Keep out: which test that is (its marker), how many processes there are (Makefile).
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class Turns:
    """Give turns to the tests of all processes that use the same folder: many at a time, or one.

    The room is held by whoever runs a test. Who waits for it to become empty keeps nobody from
    entering: processors idle while the others leave, a fifth of a whole run where each test that
    is alone made them do so. Those tests come last, when hardly anybody enters any more.
    Locks of fcntl are the process's own: a test's children do not hold them.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._room: IO[str] = (folder / "room.lock").open("a+")
        self._is_kept = False

    @contextmanager
    def turn(self, *, alone: bool, next_too: bool = False) -> Iterator[None]:
        """Wait for a turn, and hold it until the block ends.

        Args:
            alone: no other test may run meanwhile.
            next_too: nor between this one and the next one of this process, which is alone as well:
                the others would have to leave the room again, and processors idle while they do.
        """
        if not self._is_kept:
            fcntl.lockf(self._room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        try:
            yield
        finally:
            self._is_kept = alone and next_too
            if not self._is_kept:
                fcntl.lockf(self._room, fcntl.LOCK_UN)

    def close(self) -> None:
        """Leave the room, whoever was to keep it."""
        self._room.close()
