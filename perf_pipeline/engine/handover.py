"""Hand a start to another worker that has a free VU, so that workers share all their VUs.

Every worker has its own VUs, with their connections and their data. A start that finds none of
them free goes to a worker that has a free VU, and is dropped only when no worker has. So several
processes drop as many starts as a single one would. The number of free VUs of a worker is a counter
of the operating system (Linux, eventfd(2) as a semaphore), so that two workers never take the same
VU. The start itself goes through a pipe as 12 bytes, which pipe(7) never splits or mixes.

Add here: something that all open models need to hand starts over. Keep out: choosing the VU for a
start (open_model.py).
"""

import asyncio
import os
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from perf_pipeline.config.executors.kinds import ArrivalRate
from perf_pipeline.engine.job import LoadJob
from perf_pipeline.plan.stripes import stripe_of

CAN_HAND_OVER: Final = hasattr(os, "eventfd")
_START: Final = struct.Struct("<iq")  # the number of the scenario, and when the start is due in µs
_CHUNK_BYTES: Final = 4_096 * _START.size


class Exchange:
    """Create in the driver what the workers of a load need to hand starts over.

    Args:
        job: the job of the load; only open models with several workers need anything.
        apart: whether the workers are on several hosts, so that they can't hand over anything.
    """

    def __init__(self, job: LoadJob, *, apart: bool = False) -> None:
        self._job = job
        self._counters: dict[int, list[int]] = {}
        self._inlets: list[int] = []
        self._outlets: list[int] = []
        if CAN_HAND_OVER and not apart:
            self._counters = {n: self._made(n) for n in _divided(job)}
        if self._counters:
            pipes = [os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK) for _ in range(job.workers)]
            self._inlets, self._outlets = [r for r, _ in pipes], [w for _, w in pipes]

    def _made(self, number: int) -> list[int]:
        """Create, for each worker that takes part, a counter with its number of VUs."""
        executor = self._job.scenarios[number].executor
        stripes = (stripe_of(executor, n, self._job.workers) for n in range(self._job.workers))
        flags = os.EFD_SEMAPHORE | os.EFD_NONBLOCK | os.EFD_CLOEXEC
        return [os.eventfd(stripe.share(executor.most_vus), flags) for stripe in stripes if stripe]

    def descriptors(self, worker: int) -> tuple[int, ...]:
        """Return the descriptors that a worker must inherit."""
        if not self._counters:
            return ()
        counters = [fd for counters in self._counters.values() for fd in counters]
        return (*counters, *self._outlets, self._inlets[worker])

    def order(self, worker: int) -> dict[str, Any] | None:
        """Return the values that the worker needs, as JSON; None if there are none."""
        if not self._counters:
            return None
        counters = {str(number): fds for number, fds in self._counters.items()}
        return {"counters": counters, "outlets": self._outlets, "inlet": self._inlets[worker]}

    def close(self) -> None:
        """Close the driver's copies of the descriptors."""
        counters = [fd for counters in self._counters.values() for fd in counters]
        for fd in (*counters, *self._inlets, *self._outlets):
            os.close(fd)
        self._counters, self._inlets, self._outlets = {}, [], []


def shares_are_fixed(job: LoadJob, *, apart: bool = False) -> bool:
    """Say whether workers divide the VUs of an open model without lending them to one another."""
    return (apart or not CAN_HAND_OVER) and bool(_divided(job))


def _divided(job: LoadJob) -> list[int]:
    """Return the numbers of the scenarios whose VUs are in several workers."""
    return [
        number
        for number, scenario in enumerate(job.scenarios)
        if isinstance(scenario.executor, ArrivalRate)
        and min(job.workers, scenario.executor.most_vus) > 1
    ]


@dataclass(slots=True)
class Handover:
    """Hold one worker's view of the free VUs of a scenario.

    Attributes:
        scenario: number of the scenario in the job.
        own: the counter of this worker's free VUs.
        others: the counter and the pipe of every other worker that takes part.
    """

    scenario: int
    own: int
    others: Sequence[tuple[int, int]]
    _on_start: Callable[[int], None] | None = None
    _early: list[int] = field(default_factory=list)

    def connect(self, on_start: Callable[[int], None]) -> None:
        """Register the function that makes starts handed over by others; each has a VU reserved."""
        self._on_start = on_start
        for at_us in self._early:
            on_start(at_us)

    def bring(self, at_us: int) -> None:
        """Make a start that another worker handed over, or keep it until `connect`."""
        if self._on_start is None:
            self._early.append(at_us)
        else:
            self._on_start(at_us)

    def reserve(self) -> bool:
        """Take one of our free VUs out of the count; say whether there was one."""
        return _taken(self.own)

    def release(self) -> None:
        """Count one of our VUs as free again."""
        os.eventfd_write(self.own, 1)

    def hand_over(self, at_us: int) -> bool:
        """Hand a start to a worker that has a free VU; return False when no worker has.

        Args:
            at_us: when the start is due, in µs since the origin.
        """
        for counter, outlet in self.others:
            if _taken(counter):
                try:
                    os.write(outlet, _START.pack(self.scenario, at_us))
                except OSError:  # the worker is gone, or 5,000 starts behind
                    os.eventfd_write(counter, 1)
                else:
                    return True
        return False

    def withdraw(self) -> int:
        """Take all our free VUs out of the count, so that nobody hands over more; count them."""
        count = 0
        while _taken(self.own):
            count += 1
        return count


def _taken(counter: int) -> bool:
    try:
        os.eventfd_read(counter)
    except BlockingIOError:
        return False
    return True


class Handovers:
    """Give each scenario of a worker its `Handover`, and receive what other workers hand over.

    Args:
        order: the result of `Exchange.order`; None if nothing is handed over.
        worker: number of this worker.
    """

    def __init__(self, order: Mapping[str, Any] | None, worker: int) -> None:
        self._order = order
        self._worker = worker
        self._scenarios: dict[int, Handover] = {}
        self._rest = b""

    def of(self, scenario: int) -> Handover | None:
        """Return the handover of a scenario by its number; None if all its VUs are ours."""
        counters = self._order and self._order["counters"].get(str(scenario))
        if self._order is None or not counters or self._worker >= len(counters):
            return None
        outlets = self._order["outlets"]
        others = [(fd, outlets[n]) for n, fd in enumerate(counters) if n != self._worker]
        # Each worker asks its neighbour first, so that not all ask the same one.
        turn = self._worker % len(others)
        ours = counters[self._worker]
        found = Handover(scenario, ours, others[turn:] + others[:turn])
        self._scenarios[scenario] = found
        return found

    def listen(self) -> None:
        """Receive starts in the running event loop."""
        if self._order is not None:
            loop = asyncio.get_running_loop()
            loop.add_reader(self._order["inlet"], self._take, self._order["inlet"])

    def close(self) -> None:
        """Stop receiving starts; the models have waited for those that were on their way."""
        if self._order is not None:
            asyncio.get_running_loop().remove_reader(self._order["inlet"])

    def _take(self, inlet: int) -> None:
        with suppress(BlockingIOError):
            self._rest += os.read(inlet, _CHUNK_BYTES)
        whole = len(self._rest) // _START.size * _START.size
        starts, self._rest = self._rest[:whole], self._rest[whole:]
        for number, at_us in _START.iter_unpack(starts):
            self._scenarios[number].bring(at_us)
