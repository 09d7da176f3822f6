"""The seams of the engine: what a workload is given and what it must offer.

Add here: something that every workload needs from the engine. Keep out: any protocol's detail.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from perf_pipeline.metrics.sample import NO_PHASES, HttpPhases, LedgerEntry, Outcome, Phase

NEVER_US: Final = 2**62


class Clock(Protocol):
    """Tell the time of a run; doubles exist for tests only."""

    @property
    def origin_ns(self) -> int:
        """Give the origin as `time.monotonic_ns` reads it, to convert stamps taken elsewhere."""
        ...

    def now_us(self) -> int:
        """Give integer µs since the benchmark's origin (monotonic, shared by all workers)."""
        ...

    async def sleep_until_us(self, at_us: int) -> None:
        """Return at `at_us` or as soon after it as the machine allows, never before."""
        ...


class Recorder(Protocol):
    """Write down what happened; never loses an entry, never blocks for long."""

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
        """Record one operation; `intended_us` defaults to the iteration's intended start."""
        ...

    def iteration(
        self, iteration: "Iteration", started_us: int, ended_us: int, outcome: Outcome
    ) -> None:
        """Record that an iteration is over, its think time included; the engine calls it."""
        ...

    def ledger(self, entry: LedgerEntry) -> None:
        """Record that a message passed a station."""
        ...

    def note(self, sentence: str) -> None:
        """Tell what the target did that no error class can say; a sentence is told once."""
        ...


@dataclass(slots=True)
class Iteration:
    """Carry one iteration's identity through a workload.

    Attributes:
        scenario: name in the profile.
        protocol: of the workload.
        vu: number of the virtual user over all workers, from 1.
        number: of the iteration of this VU, from 0.
        intended_us: when the plan wanted it to start; in a closed model when the VU was free.
        phase: warm-up, measured or drain; set by the engine from the intended start.
        random: seeded by (run seed, scenario, VU), so that two runs do the same.
        cut_us: when it was cut off; what begins later (a scenario that tidies up) is drain.
        has_waited: the workload sets it when the event loop brought an answer: then everybody else
            had a turn, and the engine need not give them another one.
    """

    scenario: str
    protocol: str
    vu: int
    number: int
    intended_us: int
    phase: Phase
    random: random.Random
    has_waited: bool = False
    cut_us: int = NEVER_US


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Tell a workload who and where it is, once, before the load.

    Attributes:
        worker: number of this worker process, from 0.
        workers: how many there are.
        vus: the most VUs of this scenario that can run at once in this worker.
        seed: of the run.
        parameters: the scenario's own, JSON values (addresses, files, think time ...).
        secrets: DSNs and passwords; never written anywhere.
        clock: the run's.
        recorder: this worker's spool.
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
    """Do one kind of iteration; one instance per scenario and worker process.

    Attributes:
        protocol: `http`, `postgres` or `kafka`; decides which metrics its samples feed.
        checks: names of the checks of each operation; bit i of a sample's masks is entry i.
    """

    protocol: str
    checks: Mapping[str, tuple[str, ...]]

    async def open(self, context: WorkerContext) -> None:
        """Connect and warm up; not measured. Raises: TargetUnavailableError."""
        ...

    async def iterate(self, iteration: Iteration) -> None:
        """Do one iteration, record its operations, then think.

        A failure of the target is a recorded sample, never an exception. On cancellation
        the operation under way is recorded as interrupted and the cancellation goes on.
        """
        ...

    async def close(self) -> None:
        """Close what `open` opened."""
        ...


WorkloadFactory = Callable[[], Workload]
