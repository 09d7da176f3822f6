"""Hand a start to another worker that has a free VU, so that workers share their VUs exactly.

Every worker has its own VUs, with their connections and their data. A start that finds none of
them free goes to a worker that has one, and is dropped only when no worker has: what one process
would drop, several drop too. How many VUs of a worker are free is a counter of the operating
system's (Linux, eventfd(2) as a semaphore), so that two workers never take the same one. The start
itself goes through a pipe: 12 bytes, which pipe(7) never tears or mixes.

Add here: nothing of one executor's. Keep out: which VU makes a start (open_model.py).
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
_START: Final = struct.Struct("<iq")  # number of the scenario, when it is due in µs
_CHUNK_BYTES: Final = 4_096 * _START.size


class Exchange:
    """Make, in the driver, what the workers of a load need to hand starts over.

    Args:
        job: of the load; only its open models with several workers need anything.
    """

    def __init__(self, job: LoadJob) -> None:
        self._job = job
        self._counters: dict[int, list[int]] = {}
        self._inlets: list[int] = []
        self._outlets: list[int] = []
        if CAN_HAND_OVER:
            self._counters = {n: self._made(n) for n in _divided(job)}
        if self._counters:
            pipes = [os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK) for _ in range(job.workers)]
            self._inlets, self._outlets = [r for r, _ in pipes], [w for _, w in pipes]

    def _made(self, number: int) -> list[int]:
        """Make one counter for each worker that takes part, holding how many VUs it has."""
        executor = self._job.scenarios[number].executor
        stripes = (stripe_of(executor, n, self._job.workers) for n in range(self._job.workers))
        flags = os.EFD_SEMAPHORE | os.EFD_NONBLOCK | os.EFD_CLOEXEC
        return [os.eventfd(one.share(executor.most_vus), flags) for one in stripes if one]

    def descriptors(self, worker: int) -> tuple[int, ...]:
        """Give what a worker must inherit."""
        if not self._counters:
            return ()
        counters = [fd for counters in self._counters.values() for fd in counters]
        return (*counters, *self._outlets, self._inlets[worker])

    def order(self, worker: int) -> dict[str, Any] | None:
        """Give the worker's part of its order as JSON values; None when there is nothing."""
        if not self._counters:
            return None
        counters = {str(number): fds for number, fds in self._counters.items()}
        return {"counters": counters, "outlets": self._outlets, "inlet": self._inlets[worker]}

    def close(self) -> None:
        """Close the driver's copies."""
        counters = [fd for counters in self._counters.values() for fd in counters]
        for fd in (*counters, *self._inlets, *self._outlets):
            os.close(fd)
        self._counters, self._inlets, self._outlets = {}, [], []


def shares_are_fixed(job: LoadJob) -> bool:
    """Tell whether workers divide VUs of an open model and cannot help one another out."""
    return not CAN_HAND_OVER and bool(_divided(job))


def _divided(job: LoadJob) -> list[int]:
    """Give the numbers of the scenarios whose starts find their VUs in several workers."""
    return [
        number
        for number, scenario in enumerate(job.scenarios)
        if isinstance(scenario.executor, ArrivalRate)
        and min(job.workers, scenario.executor.most_vus) > 1
    ]


@dataclass(slots=True)
class Handover:
    """Be one worker's view of the free VUs of one scenario.

    Attributes:
        scenario: its number in the job.
        own: counter of this worker's free VUs.
        others: counter and pipe of each other worker that takes part.
    """

    scenario: int
    own: int
    others: Sequence[tuple[int, int]]
    _on_start: Callable[[int], None] | None = None
    _early: list[int] = field(default_factory=list)

    def connect(self, on_start: Callable[[int], None]) -> None:
        """Say who makes the starts that others hand over; a VU is reserved for each of them."""
        self._on_start = on_start
        for at_us in self._early:
            on_start(at_us)

    def bring(self, at_us: int) -> None:
        """Make a start that another worker handed over, now or when somebody is connected."""
        if self._on_start is None:
            self._early.append(at_us)
        else:
            self._on_start(at_us)

    def reserve(self) -> bool:
        """Take one of our own free VUs out of the count; say whether there was one."""
        return _taken(self.own)

    def release(self) -> None:
        """Count one of our own VUs as free again."""
        os.eventfd_write(self.own, 1)

    def hand_over(self, at_us: int) -> bool:
        """Give a start to a worker with a free VU; False when nobody has one.

        Args:
            at_us: when it is due, µs since the origin.
        """
        for counter, outlet in self.others:
            if _taken(counter):
                try:
                    os.write(outlet, _START.pack(self.scenario, at_us))
                except OSError:  # it is gone, or 5,000 starts behind
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
    """Give each scenario of one worker its `Handover`, and bring in what others hand over.

    Args:
        order: what `Exchange.order` gave; None where nothing is handed over.
        worker: our number.
    """

    def __init__(self, order: Mapping[str, Any] | None, worker: int) -> None:
        self._order = order
        self._worker = worker
        self._scenarios: dict[int, Handover] = {}
        self._rest = b""

    def of(self, scenario: int) -> Handover | None:
        """Give the handover of a scenario by its number; None where its VUs are all ours."""
        counters = self._order and self._order["counters"].get(str(scenario))
        if self._order is None or not counters or self._worker >= len(counters):
            return None
        outlets = self._order["outlets"]
        others = [(fd, outlets[n]) for n, fd in enumerate(counters) if n != self._worker]
        # The next worker is asked first, so that not all ask the same one.
        turn = self._worker % len(others)
        ours = counters[self._worker]
        found = Handover(scenario, ours, others[turn:] + others[:turn])
        self._scenarios[scenario] = found
        return found

    def listen(self) -> None:
        """Bring in starts in the running event loop."""
        if self._order is not None:
            loop = asyncio.get_running_loop()
            loop.add_reader(self._order["inlet"], self._take, self._order["inlet"])

    def close(self) -> None:
        """Bring in no more; the models have waited for what was on its way."""
        if self._order is not None:
            asyncio.get_running_loop().remove_reader(self._order["inlet"])

    def _take(self, inlet: int) -> None:
        with suppress(BlockingIOError):
            self._rest += os.read(inlet, _CHUNK_BYTES)
        whole = len(self._rest) // _START.size * _START.size
        starts, self._rest = self._rest[:whole], self._rest[whole:]
        for number, at_us in _START.iter_unpack(starts):
            self._scenarios[number].bring(at_us)
