"""Show that a worker's memory does not grow with the length of its run.

The real open model, virtual users, schedule-lag histogram and spool run on virtual time, so that
20 minutes of 1,000 starts a second (1.2 million iterations, each with its samples) take half a
minute. What is printed is the resident memory after each of some simulated minutes.

Run with: python perf_pipeline_tests/benchmarks/bench_memory.py [minutes [starts per second]]

Add here: another part of a worker that lives as long as the load. Keep out: assertions (tests have
them).
"""

import asyncio
import gc
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from perf_pipeline.config.executors.constant_arrival_rate import ConstantArrivalRate
from perf_pipeline.engine.part import ScenarioPart
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.engine.recorder import SpoolRecorder
from perf_pipeline.engine.runner import StopSwitch, run_scenario
from perf_pipeline.metrics.sample import HttpPhases, Outcome
from perf_pipeline.plan.phases import measured_window
from perf_pipeline.plan.stripes import Stripe
from perf_pipeline.units import US_PER_S
from perf_pipeline_tests.support.loads.virtual_time import VirtualClock, run_virtually

if TYPE_CHECKING:
    from perf_pipeline.engine.spool_writer import SpoolError

RATE_PER_S = 1_000
_SERVICE_US = 5_000
_FLUSHES_PER_S = 4
_PHASES = HttpPhases(0, 0, 0, 20, 4_900, 80)


@dataclass(slots=True)
class Request:
    """Take 5 ms of virtual time and record one request with its phases."""

    clock: VirtualClock
    recorder: SpoolRecorder
    protocol: str = "http"
    checks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    async def open(self, context: WorkerContext) -> None:
        """Do nothing."""

    async def iterate(self, iteration: Iteration) -> None:
        """Wait and record."""
        started_us = self.clock.now_us()
        await self.clock.sleep_until_us(started_us + _SERVICE_US)
        ended_us = self.clock.now_us()
        self.recorder.sample(
            iteration, "get", started_us, ended_us, Outcome.OK, status=200, phases=_PHASES
        )

    async def close(self) -> None:
        """Do nothing."""


def resident_bytes() -> int:
    """Give this process's resident memory, garbage apart."""
    gc.collect()
    return int(psutil.Process().memory_info().rss)


async def _look(
    clock: VirtualClock, recorder: SpoolRecorder, minutes: int, seen: dict[int, int]
) -> None:
    """Flush as a worker does, and read the memory at the end of each minute."""
    for tick in range(1, minutes * 60 * _FLUSHES_PER_S + 1):
        await clock.sleep_until_us(tick * US_PER_S // _FLUSHES_PER_S)
        recorder.flush()
        minute, rest = divmod(tick, 60 * _FLUSHES_PER_S)
        if not rest:
            seen[minute] = resident_bytes()


async def _run(folder: Path, minutes: int, rate_per_s: int, seen: dict[int, int]) -> int:
    clock = VirtualClock()
    failures: list[SpoolError] = []
    recorder = SpoolRecorder(folder, "main", 0, ("s",), failures.append)
    executor = ConstantArrivalRate.model_validate(
        {
            "executor": "constant-arrival-rate",
            "rate": rate_per_s,
            "duration": f"{minutes}m",
            "preAllocatedVUs": 20,
        }
    )
    part = ScenarioPart(
        name="s",
        executor=executor,
        stripe=Stripe(0, 1),
        start_us=0,
        window=measured_window(executor, 0),
        workload=Request(clock, recorder),
        clock=clock,
        recorder=recorder,
        seed=1,
    )
    looking = asyncio.get_running_loop().create_task(_look(clock, recorder, minutes, seen))
    outcome = await run_scenario(part, StopSwitch())
    await looking
    recorder.close()
    return outcome.iterations


def resident_by_minute(minutes: int, rate_per_s: int) -> dict[int, int]:
    """Run so many minutes of load on virtual time; give the bytes after each minute."""
    seen: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        iterations = run_virtually(_run(Path(folder), minutes, rate_per_s, seen))
    print(f"{iterations:,} iterations at {rate_per_s:,}/s")
    return seen


def main() -> None:
    """Print the memory after each fourth of the run, and what it grew by after the first minute."""
    minutes = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seen = resident_by_minute(minutes, int(sys.argv[2]) if len(sys.argv) > 2 else RATE_PER_S)
    for minute in sorted({1, *range(minutes // 4 or 1, minutes + 1, minutes // 4 or 1), minutes}):
        print(f"after {minute:3} min  {seen[minute] / 2**20:6.1f} MiB")
    grown_bytes = seen[minutes] - seen[1]
    print(f"growth from minute 1 to {minutes}: {grown_bytes / 2**20:+.2f} MiB")


if __name__ == "__main__":
    main()
