"""What a worker process gives to a workload, in memory: a real clock, a recorder, a context.

Add here: what several tests of HTTP workloads need. Keep out: assertions, and the engine itself.
"""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic_ns
from typing import Any

from perf_pipeline.engine.ports import Iteration, WorkerContext, Workload
from perf_pipeline.metrics.sample import NO_PHASES, HttpPhases, LedgerEntry, Outcome, Phase, Sample

INTENDED_US = 7


class RealClock:
    """Tell the real time; the engine's own clock is tested with the engine."""

    def __init__(self) -> None:
        self.origin_ns = monotonic_ns()

    def now_us(self) -> int:
        return (monotonic_ns() - self.origin_ns) // 1_000

    async def sleep_until_us(self, at_us: int) -> None:
        await asyncio.sleep(max(0, at_us - self.now_us()) / 1e6)


@dataclass
class MemoryRecorder:
    """Keep what a worker would write into its spool."""

    samples: list[Sample] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Keep a sentence."""
        self.notes.append(sentence)

    def sample(
        self,
        iteration: Iteration,
        operation: str,
        started_us: int,
        ended_us: int,
        outcome: Outcome,
        *,
        intended_us: int | None = None,
        phases: HttpPhases = NO_PHASES,
        **values: Any,
    ) -> None:
        self.samples.append(
            Sample(
                scenario=iteration.scenario,
                protocol=iteration.protocol,
                vu=iteration.vu,
                iteration=iteration.number,
                operation=operation,
                phase=iteration.phase,
                intended_us=iteration.intended_us if intended_us is None else intended_us,
                started_us=started_us,
                ended_us=ended_us,
                outcome=outcome,
                **values,
                **phases._asdict(),
            )
        )

    def iteration(
        self, iteration: Iteration, started_us: int, ended_us: int, outcome: Outcome
    ) -> None:
        """Refuse; iterations are the engine's to record."""
        raise NotImplementedError(iteration, started_us, ended_us, outcome)

    def ledger(self, entry: LedgerEntry) -> None:
        self.entries.append(entry)


def context(
    base_url: str,
    *,
    worker: int = 0,
    workers: int = 1,
    secrets: Mapping[str, str] | None = None,
    **parameters: Any,
) -> WorkerContext:
    """Give what a worker gets; keywords are parameters of the scenario."""
    return WorkerContext(
        worker=worker,
        workers=workers,
        vus=2,
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
