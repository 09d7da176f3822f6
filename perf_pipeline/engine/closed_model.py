"""Run the closed models: VUs loop while the plan wants them, or until their iterations are done.

Add here: another closed model. Keep out: how many VUs run at what time (plan/vus.py).
"""

import asyncio
from collections.abc import Callable
from functools import partial

from perf_pipeline.config.executors.kinds import IterationQuota, LoopingVUs
from perf_pipeline.engine.part import ScenarioPart
from perf_pipeline.engine.vus import LoopingVu, VirtualUser
from perf_pipeline.plan.vus import VuStep, reserved_steps, vu_steps


class LoopingModel:
    """Loop VUs 1..n, where n follows the plan.

    Args:
        part: part of a scenario with looping VUs.
        executor: the plan of the scenario.
    """

    def __init__(self, part: ScenarioPart, executor: LoopingVUs) -> None:
        self._part = part
        self._executor = executor
        numbers = part.stripe.vus(executor.most_vus)
        self._loops = {v: LoopingVu(VirtualUser(v, part), part) for v in numbers}
        self._cutting: asyncio.Task[None] | None = None
        part.tally.vus_made = len(self._loops)

    @property
    def running(self) -> set["asyncio.Task[None]"]:
        """Return the running loops."""
        tasks = (loop.task for loop in self._loops.values())
        return {task for task in tasks if task is not None and not task.done()}

    async def offer(self) -> None:
        """Start and finish loops as planned, until the planned end."""
        reserved = self._follow(reserved_steps(self._executor), self._reserve)
        self._cutting = asyncio.get_running_loop().create_task(reserved)
        await self._follow(vu_steps(self._executor), self._plan)

    def finish(self) -> None:
        """Start no further iteration."""
        for loop in self._loops.values():
            loop.finish()

    def cut(self) -> None:
        """Cancel the running iterations."""
        if self._cutting is not None:
            self._cutting.cancel()
        for loop in self._loops.values():
            loop.cut()

    async def _follow(self, steps: list[VuStep], apply: Callable[[int, VuStep], None]) -> None:
        before = 0
        for step in steps:
            await self._part.clock.sleep_until_us(self._part.start_us + step.at_us)
            apply(before, step)
            before = step.vus

    def _plan(self, before: int, step: VuStep) -> None:
        for number in self._ours(before, step.vus):
            self._loops[number].start(self._part.start_us + step.at_us)
        for number in self._ours(step.vus, before):
            self._loops[number].finish()

    def _reserve(self, before: int, step: VuStep) -> None:
        for number in self._ours(step.vus, before):
            self._loops[number].cut()

    def _ours(self, above: int, until: int) -> list[int]:
        return [number for number in range(above + 1, until + 1) if number in self._loops]


class QuotaModel:
    """Let VUs run a number of iterations, either each its own or all from one shared number.

    Args:
        part: part of a scenario with a quota of iterations.
        executor: the plan of the scenario.
    """

    def __init__(self, part: ScenarioPart, executor: IterationQuota) -> None:
        self._part = part
        self._vus = [VirtualUser(v, part) for v in part.stripe.vus(executor.vus)]
        self._shared = executor.is_shared
        pots = 1 if self._shared else len(self._vus)
        left = part.stripe.share(executor.iterations) if self._shared else executor.iterations
        self._left = [left] * pots
        self._tasks: dict[VirtualUser, asyncio.Task[None]] = {}
        self._over = False
        part.tally.vus_made = len(self._vus)

    @property
    def running(self) -> set["asyncio.Task[None]"]:
        """Return the running VUs."""
        return {task for task in self._tasks.values() if not task.done()}

    async def offer(self) -> None:
        """Run the iterations until they are done, or until the longest time is over."""
        part = self._part
        await part.clock.sleep_until_us(part.start_us)
        running_loop = asyncio.get_running_loop()
        for place, vu in enumerate(self._vus):
            pot = 0 if self._shared else place
            self._tasks[vu] = running_loop.create_task(self._loop(vu, pot))
        longest = running_loop.create_task(part.clock.sleep_until_us(part.end_us))
        ended = running_loop.create_task(_all_ended(self.running))
        try:
            await asyncio.wait({longest, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            longest.cancel()
            ended.cancel()
        if not ended.done():
            self._drop_the_rest()

    def _drop_the_rest(self) -> None:
        self._over = True
        phase = self._part.window.phase(self._part.end_us - 1)
        self._part.tally.drop(phase, sum(self._left))

    def finish(self) -> None:
        """Start no further iteration."""
        self._over = True

    def cut(self) -> None:
        """Cancel the running iterations."""
        for vu, task in self._tasks.items():
            if not task.done():
                vu.cut(task)

    async def _loop(self, vu: VirtualUser, pot: int) -> None:
        intended_us = self._part.start_us
        self._part.tally.vus += 1
        try:
            vu.loop_while(partial(self._takes_from, pot))
            while self._takes_from(pot):
                await vu.iterate(intended_us)
                intended_us = vu.free_us
                if not vu.gave_turn:
                    await asyncio.sleep(0)  # an iteration that never waits must not block other VUs
        finally:
            self._part.tally.vus -= 1

    def _takes_from(self, pot: int) -> bool:
        """Take one of the iterations that are left, if there is any."""
        if self._over or not self._left[pot]:
            return False
        self._left[pot] -= 1
        return True


async def _all_ended(tasks: set["asyncio.Task[None]"]) -> None:
    await asyncio.wait(tasks)
