"""Servers whose capacity is known by hand, for searches for a capacity.

    bucket    sheds with 429 what a token bucket of mu/s (with a small depth) does not take
    queue     one hand, exponential service of 1/mu s, first come first served
    hands     answers at once; its c workers need s seconds for each message, so they carry c/s
    scaled    as bucket, of n units by the Universal Scalability Law; a file holds n
    memory    as queue, but what waits for longer than 0.25 s makes it up to 3 times slower, and it
              forgets slowly

Add here: another system with a capacity that a formula gives. Keep out: misbehaviour.
"""

import asyncio
import contextlib
import heapq
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from perf_pipeline_tests.support.servers.serving_loops import serving_protocols

_PATIENCE_S: Final = 0.25
_SLOWEST: Final = 3.0  # without a bound, one overload would make it slower for hours


@dataclass(slots=True)
class Bucket:
    """Take mu requests per second, and at most `depth` at once."""

    mu: float
    depth: float = 5.0
    tokens: float = 0.0
    seen_s: float = 0.0

    def answer(self, now_s: float, _: str) -> tuple[float, int, str]:
        """Answer at once, with 200 or 429."""
        self.tokens = min(self.depth, self.tokens + (now_s - self.seen_s) * self.mu)
        self.seen_s = now_s
        if self.tokens < 1:
            return now_s, 429, "{}"
        self.tokens -= 1
        return now_s, 200, "{}"


@dataclass(slots=True)
class ScaledBucket(Bucket):
    """Take as many requests per second as n units do; `mu` is of one.

    C(n) = mu n / (1 + sigma (n - 1) + kappa n (n - 1)), written out here once more.

    Attributes:
        file: holds n, as a command writes it.
        sigma: contention.
        kappa: coherency.
        asked: requests so far, by the units that there were.
    """

    file: Path = field(default_factory=Path)
    sigma: float = 0.0
    kappa: float = 0.0
    one: float = 0.0
    asked: Counter[int] = field(default_factory=Counter)

    def answer(self, now_s: float, path: str) -> tuple[float, int, str]:
        """Answer at once, with 200 or 429."""
        self.one = self.one or self.mu
        units = int(self.file.read_text(encoding="utf-8"))
        self.asked[units] += 1
        slower = 1 + self.sigma * (units - 1) + self.kappa * units * (units - 1)
        self.mu = self.one * units / slower
        return super(ScaledBucket, self).answer(now_s, path)  # slots make a class anew


@dataclass(slots=True)
class SingleServer:
    """Serve one after the other, each in a time that is exponential with the mean 1/mu s.

    Attributes:
        mu: services per second.
        slower: how much each second of waiting beyond 0.25 s makes the next services slower; in all
            they take up to 3 times as long.
        forgets_s: time constant with which it becomes fast again.
    """

    mu: float
    slower: float = 0.0
    forgets_s: float = 3.0
    free_s: float = 0.0
    memory: float = 0.0
    seen_s: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def answer(self, now_s: float, _: str) -> tuple[float, int, str]:
        """Answer when the service is done."""
        if self.slower:
            self.memory *= 0.5 ** ((now_s - self.seen_s) / self.forgets_s)
            self.seen_s = now_s
            self.memory += max(0.0, self.free_s - now_s - _PATIENCE_S)
        mean_s = min(_SLOWEST, 1 + self.slower * self.memory) / self.mu
        self.free_s = max(now_s, self.free_s) + self.chance.expovariate(1 / mean_s)
        return self.free_s, 200, "{}"


@dataclass(slots=True)
class Hands:
    """Take every message at once; its workers finish it later, each in `service_s`."""

    workers: int
    service_s: float
    free_s: list[float] = field(default_factory=list)
    done_s: list[float] = field(default_factory=list)

    def answer(self, now_s: float, path: str) -> tuple[float, int, str]:
        """Promise a message, or tell the state of one: /messages/m-7."""
        name = path.rpartition("/")[2]
        if name.startswith("m-"):
            state = "done" if self.done_s[int(name[2:])] <= now_s else "waiting"
            return now_s, 200, json.dumps({"state": state})
        if not self.free_s:
            self.free_s = [0.0] * self.workers
        begin_s = max(now_s, heapq.heappop(self.free_s))
        heapq.heappush(self.free_s, begin_s + self.service_s)
        self.done_s.append(begin_s + self.service_s)
        return now_s, 201, json.dumps({"id": f"m-{len(self.done_s) - 1}"})


Model = Bucket | SingleServer | Hands
_REASONS: Final = {200: "OK", 201: "Created", 429: "Too Many Requests"}


class _Connection(asyncio.Protocol):
    def __init__(self, answer: Callable[[float, str], tuple[float, int, str]]) -> None:
        self._model = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take a request: small, and so in one piece."""
        path = data.split(b" ", 2)[1].decode()
        now_s = time.monotonic()
        at_s, status, body = self._model(now_s, path)
        text = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        if at_s <= now_s:
            self._write(text)
        else:
            asyncio.get_running_loop().call_later(at_s - now_s, self._write, text)

    def _write(self, text: bytes) -> None:
        if not self._transport.is_closing():  # the load may have ended before the service
            self._transport.write(text)


@contextlib.contextmanager
def capacity_target(model: Model) -> Iterator[str]:
    """Serve a model in a thread until the block ends; give its URL."""
    with serving_protocols(lambda: _Connection(model.answer)) as port:
        yield f"http://127.0.0.1:{port}"


if __name__ == "__main__":  # a target to look at by hand
    with capacity_target(Bucket(mu=120.0)) as url:
        print(url, flush=True)
        time.sleep(600)
