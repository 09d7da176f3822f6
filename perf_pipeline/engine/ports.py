"""The interfaces of the engine: what a workload is given, and what it must offer.

Add here: something that every workload needs from the engine. Keep out: details of a protocol.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from perf_pipeline.metrics.sample import NO_PHASES, HttpPhases, LedgerEntry, Outcome, Phase

NEVER_US: Final = 2**62


class Clock(Protocol):
    """Tell the time of a run; only tests replace the real clock."""

    @property
    def origin_ns(self) -> int:
        """Return the origin as `time.monotonic_ns` reads it, to convert stamps taken elsewhere."""
        ...

    def now_us(self) -> int:
        """Return integer µs since the benchmark's origin (monotonic, shared by all workers)."""
        ...

    async def sleep_until_us(self, at_us: int) -> None:
        """Return at `at_us`, or as soon after it as the machine allows, but never before."""
        ...


class SampleSeries(Protocol):
    """Record the samples of an operation that went well, without checks and phases."""

    def answered(
        self,
        iteration: "Iteration",
        intended_us: int,
        started_us: int,
        ended_us: int,
        records: int,
        bytes_out: int = 0,
    ) -> None:
        """Record an operation."""
        ...


class AnswerSeries(Protocol):
    """Record HTTP requests on an open connection whose answers were as expected."""

    def answered(
        self,
        iteration: "Iteration",
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
        """Record a request; `written_us` and `first_us` bound its time of waiting."""
        ...


class Recorder(Protocol):
    """Record what happened, without losing an entry and without blocking for long."""

    def sample(
        self,
        iteration: "Iteration",
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
        """Record an operation; `intended_us` defaults to the intended start of the iteration."""
        ...

    def series(self, scenario: str, protocol: str, operation: str) -> SampleSeries:
        """Return what records many samples of an operation for half of what `sample` costs."""
        ...

    def answers(self, scenario: str, protocol: str, operation: str) -> AnswerSeries:
        """Return what records many answers to HTTP requests, for half of what `sample` costs."""
        ...

    def iteration(
        self, iteration: "Iteration", started_us: int, ended_us: int, outcome: Outcome
    ) -> None:
        """Record that an iteration is over, think time included; only the engine calls this."""
        ...

    def ledger(self, entry: LedgerEntry) -> None:
        """Record that a message passed a station."""
        ...

    def note(self, sentence: str) -> None:
        """Tell what the target did, where no error class says it; each sentence is shown once."""
        ...


@dataclass(slots=True)
class Iteration:
    """Carry the identity of an iteration through a workload.

    Attributes:
        scenario: name of the scenario in the profile.
        protocol: protocol of the workload.
        vu: number of the virtual user, counted from 1 over all workers.
        number: number of the iteration of this VU, from 0.
        intended_us: when the plan wanted it to start; in a closed model, when the VU became free.
        phase: warm-up, measured or drain; set by the engine from the intended start.
        random: seeded by run seed, scenario and VU, so that two runs do the same.
        cut_us: when it was cut off; what begins later (a scenario that tidies up) is drain.
        is_through: False when an answer of the target, or none, ended it before its end; set by the
            workload.
        is_incomplete: set by the workload where no operation shows that: all that were made went
            well, and the others were left out.
        doubt: what ended it, where that may be a mistake of the scenario as well as of the target.
        follow: ends it, when all of it went well, and begins the next one of this VU in its place,
            in the same object; False where the VU is not to go on, and None where the engine alone
            begins iterations. It saves what a coroutine's end and beginning cost.
        arrival: number of its start in a plan that was recorded, from 0; -1 in any other.
        has_waited: set by the workload when it waited for an answer, so that the event loop gave
            everybody else a turn and the engine need not give them another one.
    """

    scenario: str
    protocol: str
    vu: int
    number: int
    intended_us: int
    phase: Phase
    random: random.Random
    follow: Callable[[], bool] | None = None
    has_waited: bool = False
    cut_us: int = NEVER_US
    is_through: bool = True
    is_incomplete: bool = False
    doubt: str = ""
    arrival: int = -1


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Tell a workload, before the load, in which worker it is and what it needs.

    Attributes:
        worker: number of this worker process, from 0.
        workers: how many worker processes have a VU of this scenario, the first of all.
        vus: the most VUs of this scenario that can run at once in this worker.
        seed: seed of the run.
        parameters: the scenario's parameters as JSON values, with the addresses of its part of the
            system, such as `base_url` (loading/jobs.py).
        secrets: DSNs and passwords, which are never written anywhere.
        clock: clock of the run.
        recorder: the spool of this worker.
    """

    worker: int
    workers: int
    vus: int
    seed: int
    parameters: Mapping[str, Any]
    secrets: Mapping[str, str]
    clock: Clock
    recorder: Recorder


class Workload(Protocol):
    """Do one kind of iteration; there is an instance for each scenario and worker process.

    Attributes:
        protocol: a word such as `http`; it decides which metrics the samples belong to
            (metrics/catalog.py).
        checks: names of the checks of each operation; bit i of a sample's masks is entry i.
    """

    protocol: str
    checks: Mapping[str, tuple[str, ...]]

    async def open(self, context: WorkerContext) -> None:
        """Connect and warm up, beside other scenarios' workloads; it is not measured.

        Raises:
            TargetUnavailableError: the target does not answer.
        """
        ...

    async def iterate(self, iteration: Iteration) -> None:
        """Do an iteration, record its operations, then pause for the think time.

        A failure of the target is a recorded sample, never an exception. On cancellation
        the operation under way is recorded as interrupted and the cancellation goes on.
        """
        ...

    async def close(self) -> None:
        """Close what `open` opened."""
        ...


WorkloadFactory = Callable[[], Workload]
