"""Drive a workload by the engine's own looping virtual users, with what they record in memory.

Add here: another executor. Keep out: worker processes (engine_loads.py), and assertions.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import uvloop

from perf_pipeline.config.executors.registry import read_executor
from perf_pipeline.engine.clock import MonotonicClock
from perf_pipeline.engine.part import ScenarioPart
from perf_pipeline.engine.ports import WorkerContext, Workload
from perf_pipeline.engine.runner import StopSwitch, run_scenario
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.plan.phases import measured_window
from perf_pipeline.plan.stripes import stripe_of
from perf_pipeline_tests.support.loads.scenario_on_virtual_time import IterationsToo

LOOPING: Final = MappingProxyType({"executor": "constant-vus", "vus": 2, "duration": "9s"})


def driven(
    workload: Workload,
    parameters: dict[str, Any],
    dsn: str,
    *,
    seconds: float = 9,
    grace: str = "5s",
    plan: Mapping[str, object] = LOOPING,
    meanwhile: Callable[[], object] | None = None,
) -> IterationsToo:
    """Run two virtual users by a plan; do something else when half is over and each has begun."""
    # Shorter than a profile may ask for.
    shorter = {"duration_us": int(seconds * 1e6)} if "duration" in plan else {}
    executor = read_executor({**plan, "gracefulStop": grace}).model_copy(update=shorter)
    stripe = stripe_of(executor, 0, 1)
    assert stripe is not None

    async def main() -> IterationsToo:
        clock, recorder = MonotonicClock(time.monotonic_ns()), IterationsToo()
        secrets = {"postgres_dsn": dsn}
        await workload.open(WorkerContext(0, 1, 2, 1, parameters, secrets, clock, recorder))
        begin_us = clock.now_us()
        window = measured_window(executor, 0).moved(begin_us)
        part = ScenarioPart(
            "s", executor, stripe, begin_us, window, workload, clock, recorder, seed=1
        )
        running = asyncio.ensure_future(run_scenario(part, StopSwitch()))
        if meanwhile is not None:
            await asyncio.sleep(seconds / 2)
            await asyncio.to_thread(_wait_until_both_began, recorder)
            await asyncio.to_thread(meanwhile)
        outcome = await running
        await workload.close()
        ended = [record.outcome is not Outcome.INTERRUPTED for record in recorder.iterations]
        assert outcome.iterations == sum(ended)
        return recorder

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


def _wait_until_both_began(recorder: IterationsToo) -> None:
    """Wait until both have a sample; on a busy machine it takes a second to connect."""
    deadline = time.monotonic() + 10
    while len({sample.vu for sample in recorder.samples}) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
