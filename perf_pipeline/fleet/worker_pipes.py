"""The pipes of a worker on another host, as its driver has them: its stdin, and what it says.

Add here: another pipe of a worker. Keep out: connections (link.py), and what is said over a pipe
(engine/worker_process.py).
"""

import os
from contextlib import suppress
from io import RawIOBase
from typing import Any, Final

from perf_pipeline.fleet.driver_link import DriverLink
from perf_pipeline.fleet.frames import LONGEST_BYTES, FrameKind

_INPUT_BYTES: Final = LONGEST_BYTES // 2


class WorkerInput(RawIOBase):
    """Send what is written to the worker's stdin.

    Args:
        link: to its agent.
    """

    def __init__(self, link: DriverLink) -> None:
        super().__init__()
        self._link = link

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, data: Any, /) -> int:
        """Send bytes, and return how many.

        Raises:
            BrokenPipeError: the host is gone, which the worker's output tells as well.
        """
        piece = bytes(data[:_INPUT_BYTES])
        try:
            self._link.send(FrameKind.INPUT, piece)
        except OSError as error:
            raise BrokenPipeError from error
        return len(piece)

    def close(self) -> None:
        """End the worker's input."""
        if not self.closed:
            with suppress(OSError):
                self._link.send(FrameKind.INPUT_END)
        super().close()


def write_all(fd: int, data: bytes) -> None:
    """Write all bytes to a descriptor; a pipe that nobody reads takes nothing.

    Raises:
        OSError: a file can't be written.
    """
    rest = memoryview(data)
    with suppress(BrokenPipeError):
        while rest:
            rest = rest[os.write(fd, rest) :]
