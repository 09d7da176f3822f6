"""The worker's end of the pipe to its driver: lines of JSON, read from stdin and written to stdout.

Secrets arrive only here, because others can read arguments, environment and files.

Add here: another way to notice that the driver is gone. Keep out: what the messages mean
(worker.py).
"""

import asyncio
import contextlib
import json
import os
import select
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

_CHUNK_BYTES: Final = 65_536
_LAST_SECONDS_S: Final = 5.0


class Outbox:
    """Write messages to the driver; everything else that prints goes to the log (stderr)."""

    def __init__(self) -> None:
        self._fd = os.dup(1)
        os.dup2(2, 1)

    def say(self, message: Mapping[str, Any]) -> None:
        """Write a message; a dead driver is noticed on stdin, not here."""
        line = json.dumps(message).encode() + b"\n"
        with contextlib.suppress(BrokenPipeError):
            while line:
                line = line[os.write(self._fd, line) :]

    def say_if_read(self, message: Mapping[str, Any]) -> None:
        """Write a message unless the driver (perhaps suspended) does not read; never wait."""
        if select.select([], [self._fd], [], 0)[1]:
            self.say(message)


class Inbox:
    """Read messages from the driver; the end of the pipe means that the driver is dead."""

    def __init__(self, fd: int = 0) -> None:
        self._fd = fd
        self._rest = b""

    def read(self) -> dict[str, Any] | None:
        """Wait for the next message; None at the end of the pipe."""
        while b"\n" not in self._rest:
            chunk = os.read(self._fd, _CHUNK_BYTES)
            if not chunk:
                return None
            self._rest += chunk
        line, self._rest = self._rest.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        return message

    def listen(
        self, on_message: Callable[[dict[str, Any]], None], on_end: Callable[[], None]
    ) -> None:
        """Call back in the running event loop; a thread reads, even while the loop stalls.

        A few seconds after the end of the pipe the process exits in any case, so that it never
        outlives its driver.
        """
        loop = asyncio.get_running_loop()
        arguments = (loop, on_message, on_end)
        threading.Thread(target=self._listen, args=arguments, name="driver", daemon=True).start()

    def _listen(
        self,
        loop: asyncio.AbstractEventLoop,
        on_message: Callable[[dict[str, Any]], None],
        on_end: Callable[[], None],
    ) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, so nobody is left to be told
            while (message := self.read()) is not None:
                loop.call_soon_threadsafe(on_message, message)
            loop.call_soon_threadsafe(on_end)
        time.sleep(_LAST_SECONDS_S)
        os._exit(1)
