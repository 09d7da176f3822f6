"""Hold one worker's part of a scenario, with counts of how its iterations ended.

Add here: a count that reports need. Keep out: when iterations start (open_model.py,
closed_model.py).
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from perf_pipeline.config.executors.kinds import ArrivalRate, Executor
from perf_pipeline.engine.exception_text import log_traceback, told
from perf_pipeline.engine.handover import Handover
from perf_pipeline.engine.lag import LagHistogram
from perf_pipeline.engine.ports import Clock, Iteration, Recorder, Workload
from perf_pipeline.metrics.sample import Outcome, Phase
from perf_pipeline.plan.arrivals import Arrival, arrivals
from perf_pipeline.plan.phases import MeasuredWindow
from perf_pipeline.plan.stripes import Stripe
from perf_pipeline.plan.turns import in_turns

_MEASURED: Final = Phase.MEASURED


@dataclass(slots=True)
class IterationCounts:
    """Count iterations; `measured_*` counts those whose intended start was measured.

    `through` counts iterations that nothing ended early; `doubtful` counts those whose early end
    may be the fault of the scenario or of the target. `vus` and `vus_made` are k6's vus and
    vus_max: the VUs that the executor keeps active (looping, or ready for arrivals), and all VUs
    that exist. `active` VUs are running an iteration.
    """

    iterations: int = 0
    measured_iterations: int = 0
    dropped: int = 0
    measured_dropped: int = 0
    late_drops: int = 0
    interrupted: int = 0
    exceptions: int = 0
    first_exception: str = ""
    through: int = 0
    measured_incomplete: int = 0
    doubtful: int = 0
    first_doubt: str = ""
    deaf_to_cancellation: int = 0
    active: int = 0
    vus: int = 0
    vus_made: int = 0
    lag: LagHistogram = field(default_factory=LagHistogram)

    def complete(self, iteration: Iteration) -> None:
        """Count an iteration that completed, or that its workload ended."""
        is_measured = iteration.phase is _MEASURED
        self.iterations += 1
        self.measured_iterations += is_measured
        self.through += iteration.is_through
        self.measured_incomplete += iteration.is_incomplete and is_measured
        if iteration.doubt:
            self.doubtful += 1
            self.first_doubt = self.first_doubt or iteration.doubt

    def drop(self, phase: Phase, count: int = 1) -> None:
        """Count starts that the plan wanted and no VU could make."""
        self.dropped += count
        if phase is Phase.MEASURED:
            self.measured_dropped += count


@dataclass(slots=True)
class ScenarioPart:
    """Hold what the models and VUs of a scenario need.

    Attributes:
        name: name of the scenario.
        executor: the plan of the scenario.
        stripe: this worker's share of the plan.
        start_us: start of the scenario, in µs since the origin.
        window: the measured time, in µs since the origin.
        workload: the workload, already opened.
        clock: clock of the run.
        recorder: recorder of this worker.
        seed: seed of the run.
        tally: counts of this part.
        number_of: returns the number of a start in a recorded plan; None for any other plan.
        handover: hands starts to workers with a free VU; None if all VUs are ours.
        side: 0 or 1 if it takes turns with another scenario; None otherwise.
        draws_as: the name that its random numbers depend on; empty for its own name.
    """

    name: str
    executor: Executor
    stripe: Stripe
    start_us: int
    window: MeasuredWindow
    workload: Workload
    clock: Clock
    recorder: Recorder
    seed: int
    tally: IterationCounts = field(default_factory=IterationCounts)
    handover: Handover | None = None
    number_of: Callable[[int], int] | None = None
    side: int | None = None
    draws_as: str = ""

    def starts_of(self, executor: ArrivalRate) -> Iterator[Arrival]:
        """Return the starts of this scenario in all workers, in µs after its own start."""
        planned = arrivals(executor)
        if self.side is None:
            return planned
        return in_turns(planned, self.side, f"{self.seed}/{self.draws_as}")

    @property
    def end_us(self) -> int:
        """Return the planned end, in µs since the origin."""
        return self.window.end_us

    @property
    def cut_us(self) -> int:
        """Return when what is still under way is cut at the latest, in µs since the origin."""
        return self.end_us + self.executor.graceful_stop_us

    def random_of(self, vu: int) -> random.Random:
        """Return a VU's own random numbers, which are the same in every run with this seed."""
        return random.Random(f"{self.seed}/{self.draws_as or self.name}/{vu}")

    def record_exception(self, iteration: Iteration, started_us: int, error: BaseException) -> None:
        """Record an exception in an iteration as a failed sample, and log the first traceback.

        Failures of the target are recorded by the workload. An exception is a bug of the workload,
        so the load goes on, but its health says that it can't be trusted.
        """
        iteration.is_through = False
        self.tally.exceptions += 1
        self.tally.first_exception = self.tally.first_exception or told(error)
        self.recorder.sample(
            iteration,
            "iteration",
            started_us,
            self.clock.now_us(),
            Outcome.FAILED,
            error="exception",
        )
        if self.tally.exceptions == 1:
            log_traceback(error, f"scenario {self.name}: an iteration")
