"""A server that holds each answer for a known time, notes how long it did, and can stand still.

Add here: another known distribution of service times. Keep out: misbehaviour (http_routes.py).
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from perf_pipeline_tests.support.servers.serving_loops import serving_protocols

ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
# Held in this order, again and again: 20, 57, 94 ... ms, each of 20 ... 119 once in 100 requests.
HELD_MS: Final = tuple(20 + 37 * n % 100 for n in range(100))


class TimedTarget:
    """Serve `/held/...` by the table, and anything else at once.

    Attributes:
        port: of its address.
        held_ms: how long each answer was really held, by path, in order of answering.
        stands_still: path -> (number of the request that it stops at, s).
    """

    def __init__(self, stands_still: dict[bytes, tuple[int, float]]) -> None:
        self.port = 0
        self.held_ms: dict[bytes, list[float]] = defaultdict(list)
        self.stands_still = stands_still
        self.counts: dict[bytes, int] = defaultdict(int)


class _Connection(asyncio.Protocol):
    def __init__(self, target: TimedTarget) -> None:
        self._target = target

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = transport.write  # type: ignore[attr-defined]  # a TCP transport's

    def data_received(self, data: bytes) -> None:
        """Take a request: small, without a body, and so in one piece."""
        began_ns, path = time.monotonic_ns(), data.split(b" ", 2)[1]
        target = self._target
        number = target.counts[path]
        target.counts[path] += 1
        at, pause_s = target.stands_still.get(path, (-1, 0.0))
        if number == at:
            time.sleep(pause_s)  # the whole server, as a garbage collection would
        held_s = HELD_MS[number % 100] / 1_000 if path.startswith(b"/held/") else 0.0
        if held_s:
            asyncio.get_running_loop().call_later(held_s, self._answer, path, began_ns)
        else:
            self._answer(path, began_ns)

    def _answer(self, path: bytes, began_ns: int) -> None:
        self._target.held_ms[path].append((time.monotonic_ns() - began_ns) / 1e6)
        self._write(ANSWER)


@contextlib.contextmanager
def timed_target(
    stands_still: dict[bytes, tuple[int, float]], host: str = "127.0.0.1"
) -> Iterator[TimedTarget]:
    """Run a target in a thread until the block ends."""
    target = TimedTarget(stands_still)
    with serving_protocols(lambda: _Connection(target), host) as target.port:
        yield target
