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
        """Return at `at_us`, or as soon afterwards as the machine allows, but never before."""
        ...


class SampleSeries(Protocol):
    """Record samples of an operation that went well, without checks and phases."""

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
        """Record a request that waited from `written_us` until `first_us`."""
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
        """Return a recorder for many samples of an operation, at half the cost of `sample`."""
        ...

    def answers(self, scenario: str, protocol: str, operation: str) -> AnswerSeries:
        """Return a recorder for many answers to HTTP requests, at half the cost of `sample`."""
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
        """Note what the target did, if no error class says it; each note is shown once."""
        ...


@dataclass(slots=True)
class Iteration:
    """Carry the identity of an iteration through a workload.

    Attributes:
        scenario: name of the scenario in the profile.
        protocol: protocol of the workload.
        vu: number of the virtual user, counted from 1 over all workers.
        number: number of the iteration of this VU, from 0.
        intended_us: when it should have started by plan; in a closed model, when the VU became
            free.
        phase: warm-up, measured or drain; set by the engine from the intended start.
        random: random numbers, seeded by run seed, scenario and VU, so that two runs do the same.
        cut_us: when it was cut off; operations that begin later (a scenario that cleans up) are
            drain.
        is_through: False if an answer of the target, or a missing one, ended it early; set by the
            workload.
        is_incomplete: set by the workload if operations were left out and no sample shows it,
            because all operations that were made went well.
        doubt: what ended it, if that may be the fault of the scenario or of the target.
        follow: call it to end this iteration, if all of it went well, and to begin the VU's next
            one in the same object. It returns False if the VU must not go on, and is None if only
            the engine begins iterations. It saves the cost of ending and starting a coroutine.
        arrival: the number of its start in a recorded plan, from 0; -1 in any other plan.
        has_waited: set by the workload when it waited for an answer: then the event loop has
            already given all other tasks a turn, and the engine need not do so.
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
    """Tell a workload before the load in which worker it runs, and give it what it needs.

    Attributes:
        worker: number of this worker process, from 0.
        workers: how many worker processes have a VU of this scenario; they are the first workers.
        vus: the most VUs of this scenario that can run at the same time in this worker.
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
    """Run one kind of iteration; each scenario has an instance in each worker process.

    Attributes:
        protocol: a word such as `http`; it decides which metrics the samples belong to
            (metrics/catalog.py).
        checks: names of the checks of each operation; bit i of a sample's masks is entry i.
    """

    protocol: str
    checks: Mapping[str, tuple[str, ...]]

    async def open(self, context: WorkerContext) -> None:
        """Connect and warm up, at the same time as other workloads; this is not measured.

        Raises:
            TargetUnavailableError: the target does not answer.
        """
        ...

    async def iterate(self, iteration: Iteration) -> None:
        """Run an iteration, record its operations, then pause for the think time.

        A failure of the target is a recorded sample, never an exception. On cancellation, the
        operation in progress is recorded as interrupted and the cancellation is passed on.
        """
        ...

    async def close(self) -> None:
        """Close what `open` opened."""
        ...


WorkloadFactory = Callable[[], Workload]
