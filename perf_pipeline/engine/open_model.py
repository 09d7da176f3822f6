"""Run the open model: iterations start when the plan says, whatever the target does.

Add here: another rule for choosing a VU. Keep out: the plan of starts (plan/arrivals.py).
"""

import asyncio
from contextlib import suppress
from typing import Final

from perf_pipeline.config.executors.kinds import ArrivalRate
from perf_pipeline.engine.lag import LATE_US
from perf_pipeline.engine.part import ScenarioPart
from perf_pipeline.engine.vus import VirtualUser
from perf_pipeline.metrics.sample import Phase

_STARTS_WITHOUT_PAUSE: Final = 64
_HANDOVER_LIMIT_S: Final = 1.0


class OpenModel:
    """Start each arrival on a free VU, or drop it; never queue it.

    Free VUs are taken last in, first out, so that a few connections stay warm. Beyond
    preAllocatedVUs, VUs are created when needed, up to maxVUs. A start that finds no free VU in
    this worker goes to a worker that has one (handover.py).

    Args:
        part: part of a scenario with an arrival rate.
        executor: the plan of the scenario.
    """

    def __init__(self, part: ScenarioPart, executor: ArrivalRate) -> None:
        self._part = part
        self._executor = executor
        self._numbers = iter(part.stripe.vus(executor.most_vus))
        prepared = part.stripe.share(executor.pre_allocated_vus)
        made = [VirtualUser(next(self._numbers), part) for _ in range(prepared)]
        self._free = made[::-1]
        part.tally.vus_made = len(made)
        self._running: dict[VirtualUser, asyncio.Task[None]] = {}
        self._handover = part.handover
        self._reserved = 0
        self._all_came = asyncio.Event()
        self._is_over = False
        starts = part.stripe.of(part.starts_of(executor))
        self._starts = (part.start_us + start.at_us for start in starts)
        self._next_us: int | None = None
        if self._handover is not None:
            self._handover.connect(self._take_over)

    @property
    def running(self) -> set["asyncio.Task[None]"]:
        """Return the running iterations."""
        return set(self._running.values())

    async def offer(self) -> None:
        """Start iterations as planned, until the planned end."""
        clock = self._part.clock
        await clock.sleep_until_us(self._part.start_us)
        self._part.tally.vus = self._part.tally.vus_made
        behind = 0
        for at_us in self._starts:
            self._next_us = at_us
            if at_us > clock.now_us():
                await clock.sleep_until_us(at_us)
                behind = 0
            elif (behind := behind + 1) % _STARTS_WITHOUT_PAUSE == 0:
                await asyncio.sleep(0)  # let the iterations that were started begin
            self._next_us = None
            self._start(at_us)
        await clock.sleep_until_us(self._part.end_us)
        await self._await_reserved()

    async def _await_reserved(self) -> None:
        """Wait for the starts for which other workers have reserved our VUs."""
        self._withdraw()
        if self._reserved > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_came.wait(), _HANDOVER_LIMIT_S)

    def _withdraw(self) -> None:
        handover, self._handover = self._handover, None
        if handover is not None:
            idle = self._part.stripe.share(self._executor.most_vus) - len(self._running)
            self._reserved = idle - handover.withdraw()

    def finish(self) -> None:
        """Start no further iteration; drop starts that are due or that others still hand over."""
        self._drop_what_is_due()
        self._withdraw()
        self._is_over = True

    def _drop_what_is_due(self) -> None:
        """Drop the starts that a late loop did not reach before it was ended."""
        now_us, due_us = self._part.clock.now_us(), self._next_us
        while due_us is not None and due_us < now_us:
            self._drop(due_us)
            due_us = next(self._starts, None)

    def cut(self) -> None:
        """Cancel the running iterations."""
        for vu, task in self._running.items():
            vu.cut(task)

    def _start(self, at_us: int) -> None:
        handover = self._handover
        if handover is not None and not handover.reserve():
            if not handover.hand_over(at_us):
                self._drop(at_us)
            return
        vu = self._free.pop() if self._free else self._make()
        if vu is None:
            self._drop(at_us)
            return
        self._launch(vu, at_us)

    def _take_over(self, at_us: int) -> None:
        """Make a start that another worker handed over."""
        self._reserved -= 1
        if not self._reserved:
            self._all_came.set()
        vu = None
        if not self._is_over:
            vu = self._free.pop() if self._free else self._make()
        if vu is None:
            self._drop(at_us)
        else:
            self._launch(vu, at_us)

    def _launch(self, vu: VirtualUser, at_us: int) -> None:
        self._running[vu] = asyncio.get_running_loop().create_task(self._run(vu, at_us))

    def _drop(self, at_us: int) -> None:
        part = self._part
        phase = part.window.phase(at_us)
        part.tally.drop(phase)
        # After a pause of this worker, many starts are due at once and use up the VUs; that is not
        # the target's fault.
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
            if self._handover is not None:
                self._handover.release()
