"""What a worker process gives to a workload, in memory: a real clock, a recorder, a context.

Add here: what several tests of HTTP workloads need. Keep out: assertions, and the engine itself.
"""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

from perf_pipeline.engine.ports import Iteration, WorkerContext, Workload
from perf_pipeline.metrics.sample import Phase
from perf_pipeline_tests.support.loads.in_memory import MemoryRecorder, RealClock

INTENDED_US = 7


def context(
    base_url: str,
    *,
    worker: int = 0,
    workers: int = 1,
    vus: int = 2,
    secrets: Mapping[str, str] | None = None,
    **parameters: Any,
) -> WorkerContext:
    """Give what a worker gets; keywords are parameters of the scenario."""
    return WorkerContext(
        worker=worker,
        workers=workers,
        vus=vus,
        seed=1,
        parameters={"base_url": base_url, "run": "r1", **parameters},
        secrets=secrets or {},
        clock=RealClock(),
        recorder=MemoryRecorder(),
    )


def an_iteration(vu: int = 1, number: int = 0, scenario: str = "s") -> Iteration:
    """Give an iteration whose random depends on VU and number only."""
    return Iteration(
        scenario, "http", vu, number, INTENDED_US, Phase.MEASURED, random.Random(f"{vu}/{number}")
    )


def run(workload: Workload, given: WorkerContext, *iterations: Iteration) -> MemoryRecorder:
    """Run the iterations one after the other."""

    async def main() -> None:
        await workload.open(given)
        try:
            for iteration in iterations:
                await workload.iterate(iteration)
        finally:
            await workload.close()

    asyncio.run(main())
    assert isinstance(given.recorder, MemoryRecorder)
    return given.recorder
