"""An arrival-rate load that is stopped while its loop is behind: what was due and not made."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from pydantic import TypeAdapter

from perf_pipeline.config.executors.constant_arrival_rate import ConstantArrivalRate
from perf_pipeline.engine.open_model import OpenModel
from perf_pipeline.engine.part import IterationCounts, ScenarioPart
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.plan.phases import measured_window
from perf_pipeline.plan.stripes import Stripe
from perf_pipeline_tests.support.loads.scenario_on_virtual_time import IterationsToo

S = 1_000_000
_EXECUTOR = TypeAdapter(ConstantArrivalRate).validate_python(
    {
        "executor": "constant-arrival-rate",
        "rate": 100,
        "duration": "10s",
        "preAllocatedVUs": 500,
    }
)


class _Jumping:
    """Be a clock that stands until it is told to jump; who sleeps wakes when it has."""

    origin_ns = 0

    def __init__(self) -> None:
        self._at_us = 0
        self._jumped = asyncio.Event()

    def now_us(self) -> int:
        return self._at_us

    async def sleep_until_us(self, at_us: int) -> None:
        while self._at_us < at_us:
            await self._jumped.wait()

    def jump(self, at_us: int) -> None:
        self._at_us = at_us
        self._jumped.set()
        self._jumped = asyncio.Event()


class _Endless:
    """Take for ever."""

    protocol = "http"
    checks: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    async def open(self, context: WorkerContext) -> None:
        """Do nothing."""

    async def iterate(self, iteration: Iteration) -> None:
        """Wait for ever."""
        del iteration
        await asyncio.get_running_loop().create_future()

    async def close(self) -> None:
        """Do nothing."""


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def _stopped(steps: list[int], turns: int) -> IterationCounts:
    """Let the clock jump from step to step, and stop the load `turns` turns after each."""
    clock = _Jumping()
    part = ScenarioPart(
        name="s",
        executor=_EXECUTOR,
        stripe=Stripe(0, 1),
        start_us=0,
        window=measured_window(_EXECUTOR, 0),
        workload=_Endless(),
        clock=clock,
        recorder=IterationsToo(),
        seed=1,
    )
    model = OpenModel(part, _EXECUTOR)
    offering = asyncio.get_running_loop().create_task(model.offer())
    await _turns(3)
    for at_us in steps:
        clock.jump(at_us)
        await _turns(turns)
    offering.cancel()
    await asyncio.wait({offering})
    model.finish()
    await _turns(1)
    model.cut()
    await asyncio.wait(model.running)
    return part.tally


def test_starts_that_were_due_when_a_stalled_load_was_stopped_are_dropped() -> None:
    """100/s; the loop stands from 0 to 2 s, catches up with 64 starts a turn, and is stopped.

    Due before 2 s are the starts at 0, 0.01 .. 1.99 s, 200 of them: each is made or dropped.
    """
    tally = asyncio.run(_stopped([2 * S], turns=2))

    assert tally.interrupted + tally.dropped == 200
    assert tally.measured_dropped == tally.dropped > 50
    assert tally.interrupted > 50


def test_a_load_that_keeps_up_drops_nothing_when_it_is_stopped() -> None:
    """Until 1.005 s: the starts at 0, 0.01 .. 1.00 s, all of them made."""
    tally = asyncio.run(_stopped([*range(10_000, S + 1, 10_000), S + 5_000], turns=3))

    assert (tally.interrupted, tally.dropped) == (101, 0)
