"""What a plain socket sees of a target while a load asks it as well: what the machine adds.

Nothing of ours measures it, so that it is a measure for what does. Add here: another plain client.
Keep out: targets (timed_target.py) and assertions.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Final

from perf_pipeline_tests.support.servers.timed_target import TimedTarget

_PATH: Final = b"/plain"
_PAUSE_S: Final = 0.02


@contextlib.contextmanager
def asking_beside(target: TimedTarget, path: bytes, count: int) -> Iterator[list[float]]:
    """Ask a target from the first request of others until their last one.

    Args:
        target: that is asked.
        path: that the others ask for.
        count: how often they do.

    Yields:
        by how much each answer took longer here than in the target, in ms.
    """
    added_ms: list[float] = []
    over = threading.Event()

    def ask() -> None:
        with socket.create_connection(("127.0.0.1", target.port), timeout=60) as stream:
            while not over.wait(_PAUSE_S) and target.counts[path] < count:
                if not target.counts[path]:
                    continue
                began_ns = time.monotonic_ns()
                stream.sendall(b"GET %b HTTP/1.1\r\n\r\n" % _PATH)
                stream.recv(1_024)
                took_ms = (time.monotonic_ns() - began_ns) / 1e6
                added_ms.append(took_ms - target.held_ms[_PATH][-1])

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield added_ms
    finally:
        over.set()
        thread.join()
