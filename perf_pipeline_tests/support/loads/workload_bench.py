"""Drive a workload as the engine would, with everything that it records kept in memory.

Add here: another way to call a workload in tests. Keep out: assertions.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

import perf_pipeline
from perf_pipeline.engine.ports import Iteration, WorkerContext, Workload
from perf_pipeline.metrics.sample import (
    NO_PHASES,
    HttpPhases,
    LedgerEntry,
    LedgerEvent,
    Outcome,
    Phase,
    Sample,
)

SEED = 42
SCHEMA = Path(perf_pipeline.__file__).parent / "reference_system" / "schema.sql"


class RealClock:
    """Tell µs since this clock was made."""

    def __init__(self) -> None:
        self.origin_ns = time.monotonic_ns()

    def now_us(self) -> int:
        """Give integer µs since the origin."""
        return (time.monotonic_ns() - self.origin_ns) // 1_000

    async def sleep_until_us(self, at_us: int) -> None:
        """Return at `at_us` or later."""
        # Event loops wake up to a millisecond early (uvloop#739).
        await asyncio.sleep(max(0, at_us - self.now_us()) / 1e6 + 0.001)


@dataclass
class MemoryRecorder:
    """Keep samples and ledger entries in lists; `on_ledger` is told of each entry."""

    samples: list[Sample] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    on_ledger: Callable[[LedgerEntry], None] = lambda _: None

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
        status: int = 0,
        error: str = "",
        bytes_out: int = 0,
        bytes_in: int = 0,
        records: int = 1,
        checks_passed: int = 0,
        checks_failed: int = 0,
        phases: HttpPhases = NO_PHASES,
    ) -> None:
        """Keep a sample."""
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
                status=status,
                error=error,
                bytes_out=bytes_out,
                bytes_in=bytes_in,
                records=records,
                checks_passed=checks_passed,
                checks_failed=checks_failed,
                **phases._asdict(),
            )
        )

    def iteration(
        self, iteration: Iteration, started_us: int, ended_us: int, outcome: Outcome
    ) -> None:
        """Refuse; iterations are the engine's to record."""
        raise NotImplementedError(iteration, started_us, ended_us, outcome)

    def ledger(self, entry: LedgerEntry) -> None:
        """Keep a ledger entry."""
        self.entries.append(entry)
        self.on_ledger(entry)

    def ids(self, event: LedgerEvent) -> list[str]:
        """Give the message ids that passed a station, once per entry."""
        return [entry.message_id for entry in self.entries if entry.event is event]


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
    identifier = sql.Identifier(name)
    with psycopg.connect(dsn, autocommit=True) as server:
        server.execute(sql.SQL("drop database if exists {} with (force)").format(identifier))
        server.execute(sql.SQL("create database {}").format(identifier))
        own = make_conninfo(dsn, dbname=name)
        with psycopg.connect(own, autocommit=True) as connection:
            connection.execute(SCHEMA.read_bytes())
        yield own
        server.execute(sql.SQL("drop database {} with (force)").format(identifier))


def outcomes(samples: Sequence[Sample]) -> dict[tuple[str, str], int]:
    """Count samples by outcome and error."""
    counts: dict[tuple[str, str], int] = {}
    for sample in samples:
        key = (sample.outcome.value, sample.error)
        counts[key] = counts.get(key, 0) + 1
    return counts
