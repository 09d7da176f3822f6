"""Drive a workload as the engine would, with everything that it records kept in memory.

Add here: another way to call a workload in tests. Keep out: assertions.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

import perf_pipeline
from perf_pipeline.engine.ports import Iteration, WorkerContext, Workload
from perf_pipeline.metrics.sample import Phase, Sample
from perf_pipeline_tests.support.loads.in_memory import MemoryRecorder, RealClock
from perf_pipeline_tests.support.loads.own_database import own_database

SEED = 42
SCHEMA = Path(perf_pipeline.__file__).parent / "reference_system" / "schema.sql"


@dataclass
class Bench:
    """Hold an opened workload and what it recorded."""

    workload: Workload
    clock: RealClock
    recorder: MemoryRecorder
    scenario: str

    @property
    def samples(self) -> list[Sample]:
        """Give what was recorded so far."""
        return self.recorder.samples

    def iteration(self, vu: int, number: int) -> Iteration:
        """Make an iteration that is intended now."""
        return Iteration(
            scenario=self.scenario,
            protocol=self.workload.protocol,
            vu=vu,
            number=number,
            intended_us=self.clock.now_us(),
            phase=Phase.MEASURED,
            random=random.Random(f"{SEED}/{self.scenario}/{vu}/{number}"),
        )

    async def iterate(self, iterations: int, vus: int = 1) -> None:
        """Let each VU do its iterations, one after the other."""

        async def one_vu(vu: int) -> None:
            for number in range(iterations):
                await self.workload.iterate(self.iteration(vu, number))

        await asyncio.gather(*(one_vu(vu) for vu in range(1, vus + 1)))


@asynccontextmanager
async def opened(
    workload: Workload,
    parameters: Mapping[str, Any],
    *,
    secrets: Mapping[str, str] | None = None,
    vus: int = 1,
    worker: int = 0,
    workers: int = 1,
    scenario: str = "bench",
) -> AsyncIterator[Bench]:
    """Open a workload, and close it whatever happens."""
    bench = Bench(workload, RealClock(), MemoryRecorder(), scenario)
    await workload.open(
        WorkerContext(
            worker=worker,
            workers=workers,
            vus=vus,
            seed=SEED,
            parameters=parameters,
            secrets=secrets or {},
            clock=bench.clock,
            recorder=bench.recorder,
        )
    )
    try:
        yield bench
    finally:
        await workload.close()


@contextmanager
def scratch_database(dsn: str, name: str) -> Iterator[str]:
    """Give a database of its own with the reference system's tables; drop it afterwards."""
    with own_database(dsn, name) as own:
        with psycopg.connect(own, autocommit=True) as connection:
            connection.execute(SCHEMA.read_bytes())
        yield own


def outcomes(samples: Sequence[Sample]) -> dict[tuple[str, str], int]:
    """Count samples by outcome and error."""
    counts: dict[tuple[str, str], int] = {}
    for sample in samples:
        key = (sample.outcome.value, sample.error)
        counts[key] = counts.get(key, 0) + 1
    return counts
