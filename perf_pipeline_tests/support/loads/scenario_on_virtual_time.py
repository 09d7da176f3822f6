"""Run one scenario of the engine on virtual time and look at all that it recorded."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from perf_pipeline.config.executors.kinds import Executor
from perf_pipeline.config.executors.registry import read_executor
from perf_pipeline.engine.job import ScenarioOutcome
from perf_pipeline.engine.part import ScenarioPart
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.engine.runner import StopSwitch, run_scenario
from perf_pipeline.metrics.sample import IterationRecord, LedgerEntry, Outcome, Sample
from perf_pipeline.plan.phases import measured_window
from perf_pipeline.plan.stripes import Stripe
from perf_pipeline_tests.support.loads.in_memory import MemoryRecorder
from perf_pipeline_tests.support.loads.virtual_time import VirtualClock, run_virtually


@dataclass
class IterationsToo(MemoryRecorder):
    """Keep iterations as well, which are the engine's to record."""

    iterations: list[IterationRecord] = field(default_factory=list)

    def iteration(
        self, iteration: Iteration, started_us: int, ended_us: int, outcome: Outcome
    ) -> None:
        """Keep one."""
        self.iterations.append(
            IterationRecord(
                iteration.scenario,
                iteration.vu,
                iteration.number,
                iteration.phase,
                iteration.intended_us,
                started_us,
                ended_us,
                outcome,
            )
        )

    def ledger(self, entry: LedgerEntry) -> None:
        """Refuse; nothing here has messages."""
        raise NotImplementedError(entry)


@dataclass(slots=True)
class Timed:
    """Take as long as a function of the time says; record it."""

    service_us: Callable[[int], int]
    clock: VirtualClock
    recorder: IterationsToo
    cleanup_us: int = 0
    protocol: str = "http"
    checks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    follows: bool = False

    async def open(self, context: WorkerContext) -> None:
        """Do nothing."""

    async def iterate(self, iteration: Iteration) -> None:
        """Do an iteration, and maybe those that follow it."""
        await self._serve(iteration)
        while self.follows and iteration.follow is not None and iteration.follow():
            await self._serve(iteration)

    async def _serve(self, iteration: Iteration) -> None:
        """Sleep and record; a negative time stands for a bug."""
        started_us = self.clock.now_us()
        outcome = Outcome.INTERRUPTED
        service_us = self.service_us(started_us)
        if service_us < 0:
            raise LookupError("a bug of the workload")
        try:
            await self.clock.sleep_until_us(started_us + service_us)
            outcome = Outcome.OK
        except asyncio.CancelledError:
            if self.cleanup_us:
                await self.clock.sleep_until_us(self.clock.now_us() + self.cleanup_us)
            raise
        finally:
            ended_us = self.clock.now_us()
            self.recorder.sample(iteration, "call", started_us, ended_us, outcome)

    async def close(self) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a scenario did."""

    outcome: ScenarioOutcome
    samples: list[Sample]
    iterations: list[IterationRecord]
    part: ScenarioPart
    took_us: int


def run(
    scenario: Mapping[str, Any] | Executor,
    service_us: int | Callable[[int], int] = 0,
    *,
    warm_up_us: int = 0,
    stripe: Stripe | None = None,
    stop_at_us: int | None = None,
    cleanup_us: int = 0,
    follows: bool = False,
) -> Run:
    """Run a scenario, written as in k6, on virtual time.

    Args:
        scenario: in k6's words, or its executor.
        service_us: how long an iteration takes, also as a function of its start.
        warm_up_us: not measured.
        stripe: of the worker; all by default.
        stop_at_us: when to stop early.
        cleanup_us: how long an iteration that is cancelled takes to end.
        follows: iterations begin where the one before ended (`Iteration.follow`).
    """
    executor = read_executor(scenario) if isinstance(scenario, Mapping) else scenario
    duration = service_us if callable(service_us) else lambda _: service_us
    clock, recorder = VirtualClock(), IterationsToo()
    part = ScenarioPart(
        name="s",
        executor=executor,
        stripe=stripe or Stripe(0, 1),
        start_us=executor.start_time_us,
        window=measured_window(executor, warm_up_us),
        workload=Timed(duration, clock, recorder, cleanup_us, follows=follows),
        clock=clock,
        recorder=recorder,
        seed=1,
    )
    outcome, took_us = run_virtually(_run(part, stop_at_us))
    return Run(outcome, recorder.samples, recorder.iterations, part, took_us)


async def _run(part: ScenarioPart, stop_at_us: int | None) -> tuple[ScenarioOutcome, int]:
    stop = StopSwitch()
    if stop_at_us is not None:
        asyncio.get_running_loop().call_at(stop_at_us / 1e6, stop.turn_on)
    outcome = await run_scenario(part, stop)
    return outcome, part.clock.now_us()
