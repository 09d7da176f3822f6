"""What the engine gives to a workload, in memory: a clock of real time and a recorder.

Add here: what several ways of driving a workload need. Keep out: driving it, and assertions.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import monotonic_ns
from typing import Any

from perf_pipeline.engine.ports import Iteration
from perf_pipeline.metrics.sample import (
    NO_PHASES,
    HttpPhases,
    LedgerEntry,
    LedgerEvent,
    Outcome,
    Sample,
)


class RealClock:
    """Tell µs since this clock was made; the engine's own clock is tested with the engine."""

    def __init__(self) -> None:
        self.origin_ns = monotonic_ns()

    def now_us(self) -> int:
        """Give integer µs since the origin."""
        return (monotonic_ns() - self.origin_ns) // 1_000

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
        phases: HttpPhases = NO_PHASES,
        **facts: Any,
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
                **facts,
                **phases._asdict(),
            )
        )

    def series(self, scenario: str, protocol: str, operation: str) -> "MemorySeries":
        """Give what keeps samples of an operation that went well."""
        return MemorySeries(self, scenario, protocol, operation)

    def answers(self, scenario: str, protocol: str, operation: str) -> "MemoryAnswers":
        """Give what keeps answers that were as expected."""
        return MemoryAnswers(self, scenario, protocol, operation)

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


@dataclass(frozen=True, slots=True)
class MemorySeries:
    """Keep samples of an operation in its recorder."""

    recorder: MemoryRecorder
    scenario: str
    protocol: str
    operation: str

    def answered(
        self,
        iteration: Iteration,
        intended_us: int,
        started_us: int,
        ended_us: int,
        records: int,
        bytes_out: int = 0,
    ) -> None:
        """Keep a sample."""
        assert iteration.scenario == self.scenario
        of_protocol = replace(iteration, protocol=self.protocol)
        self.recorder.sample(
            of_protocol,
            self.operation,
            started_us,
            ended_us,
            Outcome.OK,
            intended_us=intended_us,
            records=records,
            bytes_out=bytes_out,
        )


@dataclass(frozen=True, slots=True)
class MemoryAnswers:
    """Keep answers to HTTP requests in its recorder."""

    recorder: MemoryRecorder
    scenario: str
    protocol: str
    operation: str

    def answered(
        self,
        iteration: Iteration,
        status: int,
        intended_us: int,
        started_us: int,
        written_us: int,
        first_us: int,
        ended_us: int,
        bytes_out: int,
        bytes_in: int,
        checks_passed: int,
    ) -> None:
        """Keep a sample."""
        assert (iteration.scenario, iteration.protocol) == (self.scenario, self.protocol)
        self.recorder.sample(
            iteration,
            self.operation,
            started_us,
            ended_us,
            Outcome.OK,
            intended_us=intended_us,
            status=status,
            bytes_out=bytes_out,
            bytes_in=bytes_in,
            checks_passed=checks_passed,
            phases=HttpPhases(
                0, 0, 0, written_us - started_us, first_us - written_us, ended_us - first_us
            ),
        )
