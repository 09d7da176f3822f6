"""The open model: iterations start when the plan says, whatever the target does.

Add here: another rule for choosing a VU. Keep out: the plan of starts (plan/arrivals.py).
"""

import asyncio
from typing import Final

from perf_pipeline.config.executors import ConstantArrivalRate, RampingArrivalRate
from perf_pipeline.engine.lag import LATE_US
from perf_pipeline.engine.part import ScenarioPart
from perf_pipeline.engine.vus import VirtualUser
from perf_pipeline.metrics.sample import Phase
from perf_pipeline.plan.arrivals import arrivals

_STARTS_WITHOUT_PAUSE: Final = 64


class OpenModel:
    """Start each arrival on a free VU, or drop it; never queue it.

    Free VUs are taken last in, first out, so that few connections stay warm; beyond
    preAllocatedVUs they are made when needed, up to maxVUs.

    Args:
        part: of a scenario with an arrival-rate executor.
        executor: its plan.
    """

    def __init__(
        self, part: ScenarioPart, executor: ConstantArrivalRate | RampingArrivalRate
    ) -> None:
        self._part = part
        self._executor = executor
        self._numbers = iter(part.stripe.vus(executor.most_vus))
        prepared = part.stripe.share(executor.pre_allocated_vus)
        made = [VirtualUser(next(self._numbers), part) for _ in range(prepared)]
        self._free = made[::-1]
        part.tally.vus_made = len(made)
        self._running: dict[VirtualUser, asyncio.Task[None]] = {}

    @property
    def running(self) -> set["asyncio.Task[None]"]:
        """Give the iterations under way."""
        return set(self._running.values())

    async def offer(self) -> None:
        """Start what the plan wants, until its end."""
        clock = self._part.clock
        start_us = self._part.start_us
        await clock.sleep_until_us(start_us)
        self._part.tally.vus = self._part.tally.vus_made
        behind = 0
        for arrival in self._part.stripe.of(arrivals(self._executor)):
            at_us = start_us + arrival.at_us
            if at_us > clock.now_us():
                await clock.sleep_until_us(at_us)
                behind = 0
            elif (behind := behind + 1) % _STARTS_WITHOUT_PAUSE == 0:
                await asyncio.sleep(0)  # let those started so far begin
            self._start(at_us)
        await clock.sleep_until_us(self._part.end_us)

    def finish(self) -> None:
        """Start no further iteration; `offer` is over, so none is left to start."""

    def cut(self) -> None:
        """Cancel the iterations under way."""
        for vu, task in self._running.items():
            vu.cut(task)

    def _start(self, at_us: int) -> None:
        vu = self._free.pop() if self._free else self._make()
        if vu is None:
            self._drop(at_us)
            return
        task = asyncio.get_running_loop().create_task(self._run(vu, at_us))
        self._running[vu] = task

    def _drop(self, at_us: int) -> None:
        part = self._part
        phase = part.window.phase(at_us)
        part.tally.drop(phase)
        # After a pause of our own many starts are due at once and use the VUs up: not the
        # target's doing.
        if phase is Phase.MEASURED and part.clock.now_us() - at_us > LATE_US:
            part.tally.late_drops += 1

    def _make(self) -> VirtualUser | None:
        number = next(self._numbers, None)
        if number is None:
            return None
        self._part.tally.vus += 1
        self._part.tally.vus_made += 1
        return VirtualUser(number, self._part)

    async def _run(self, vu: VirtualUser, at_us: int) -> None:
        part = self._part
        if part.window.phase(at_us) is Phase.MEASURED:
            part.tally.lag.add(part.clock.now_us() - at_us)
        try:
            await vu.iterate(at_us)
        finally:
            del self._running[vu]
            self._free.append(vu)
