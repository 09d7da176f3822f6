"""The three kinds of executors, one for each model of the engine, and what the plan asks of each.

    ArrivalRate     OpenModel      iterations start when the clock says so
    LoopingVUs      LoopingModel   a number of VUs starts the next iteration when the last one ends
    IterationQuota  QuotaModel     VUs run a fixed number of iterations

The base class of an executor is its kind, and the executor fills in what the kind leaves abstract.
Where plan/ and engine/ tell the kinds apart, mypy reports a kind that was forgotten.

Add here: a kind, together with its model. Keep out: the keys of one executor.
"""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from pydantic import Field, model_validator

from perf_pipeline.config.bounds import MOST_ITERATIONS, MOST_VUS
from perf_pipeline.config.durations import Duration
from perf_pipeline.config.executors.stages import Stage
from perf_pipeline.config.frozen import Frozen
from perf_pipeline.units import US_PER_S

DEFAULT_GRACEFUL_STOP_US: Final = 30 * US_PER_S
_DEFAULT_MAX_DURATION_US: Final = 600 * US_PER_S


@dataclass(frozen=True, slots=True)
class SteadyRate:
    """Hold a rate that never changes.

    Attributes:
        starts: how many iterations start in each time unit.
        time_unit_us: the time unit.
        length_us: how long the rate is kept.
    """

    starts: int
    time_unit_us: int
    length_us: int

    @property
    def per_s(self) -> float:
        """Return the starts per second."""
        return self.starts * US_PER_S / self.time_unit_us


@dataclass(frozen=True, slots=True)
class RampedRate:
    """Hold a rate that follows stages.

    Attributes:
        starts: how many iterations start in each time unit at the very beginning.
        time_unit_us: the time unit of `starts` and of the stages' targets.
        stages: what the rate follows, in order.
    """

    starts: int
    time_unit_us: int
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class RecordedRate:
    """Hold a rate that was recorded in a log.

    Attributes:
        log: the file with the times.
        speed: how many times faster the log is replayed.
        methods: the methods of the requests that are replayed; empty for all.
        digest: SHA-256 of the file.
        starts: how many iterations start altogether.
        bins: the number of starts in each of several equal parts of the length.
        length_us: the length of the replay.
    """

    log: Path
    speed: float
    methods: tuple[str, ...]
    digest: str
    starts: int
    bins: tuple[int, ...]
    length_us: int


@dataclass(frozen=True, slots=True)
class VuLine:
    """Hold how many VUs there are over time.

    Attributes:
        start: VUs at the very beginning.
        stages: what the number follows, in order; without stages it stays until the planned end.
        ramp_down_us: how long a VU that a stage removes may go on with its iteration.
    """

    start: int
    stages: tuple[Stage, ...] = ()
    ramp_down_us: int = 0


class _Executor(Frozen):
    """Hold what every executor has, whatever its kind."""

    start_time_us: Duration = Field(default=0, alias="startTime", ge=0)
    graceful_stop_us: Duration = Field(default=DEFAULT_GRACEFUL_STOP_US, alias="gracefulStop", ge=0)

    @property
    @abstractmethod
    def length_us(self) -> int:
        """Return the (longest) planned length without the graceful stop."""

    @property
    @abstractmethod
    def most_vus(self) -> int:
        """Return the most VUs that may run at once."""

    @property
    @abstractmethod
    def most_starts(self) -> int:
        """Return the most iterations that it starts; 0 if that depends on the target's speed."""

    @property
    @abstractmethod
    def description(self) -> str:
        """Say in a few words what it does, e.g. `3 VUs for 5m`."""


class ArrivalRate(_Executor):
    """Start iterations by the clock, however slow the target is."""

    time_unit_us: Duration = Field(default=US_PER_S, alias="timeUnit", gt=0)
    pre_allocated_vus: int = Field(ge=0, le=MOST_VUS)
    max_vus: int | None = Field(default=None, ge=0, le=MOST_VUS)

    @model_validator(mode="after")
    def _has_vus(self) -> Self:
        if self.max_vus is not None and self.max_vus < self.pre_allocated_vus:
            raise ValueError(
                f"maxVUs ({self.max_vus}) can't be less than preAllocatedVUs "
                f"({self.pre_allocated_vus})"
            )
        if self.most_vus < 1:
            raise ValueError("preAllocatedVUs or maxVUs must be at least 1")
        return self

    @property
    def most_vus(self) -> int:
        """Return the most VUs that may run at once."""
        return self.pre_allocated_vus if self.max_vus is None else self.max_vus

    @property
    @abstractmethod
    def planned_rate(self) -> SteadyRate | RampedRate | RecordedRate:
        """Return the rate of starts over time."""


class LoopingVUs(_Executor):
    """Let VUs start their next iteration as soon as their last one ended."""

    @property
    def most_starts(self) -> int:
        """Return 0, because the target's speed decides how many iterations there are."""
        return 0

    @property
    @abstractmethod
    def planned_vus(self) -> VuLine:
        """Return the number of VUs over time."""


class IterationQuota(_Executor):
    """Let VUs run a fixed number of iterations, for at most a given time."""

    vus: int = Field(default=1, ge=1, le=MOST_VUS)
    iterations: int = Field(default=1, ge=1, le=MOST_ITERATIONS)
    max_duration_us: Duration = Field(
        default=_DEFAULT_MAX_DURATION_US, alias="maxDuration", ge=US_PER_S
    )

    @property
    def length_us(self) -> int:
        """Return the longest planned length without the graceful stop."""
        return self.max_duration_us

    @property
    def most_vus(self) -> int:
        """Return the most VUs that may run at once."""
        return self.vus

    @property
    def most_starts(self) -> int:
        """Return how many iterations all VUs run together."""
        return self.iterations if self.is_shared else self.vus * self.iterations

    @property
    @abstractmethod
    def is_shared(self) -> bool:
        """Say whether all VUs share one number of iterations; otherwise each VU has its own."""


Executor = ArrivalRate | LoopingVUs | IterationQuota
"""An executor of any kind."""
