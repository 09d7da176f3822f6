"""k6's six executors as configuration: its field names, its defaults, its rules.

Source: grafana/k6 lib/executor/*.go. Durations are integer µs inside.

Add here: an executor, with one class and its name in `Executor`. Keep out: when things start
(plan/) and who runs them (engine/).
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator
from pydantic.alias_generators import to_camel

from perf_pipeline.config.bounds import LONGEST_US, MOST_ITERATIONS, MOST_RATE, MOST_VUS
from perf_pipeline.units import US_PER_MS, US_PER_S, format_duration, parse_duration_us

DEFAULT_GRACEFUL_STOP_US: Final = 30 * US_PER_S
DEFAULT_MAX_DURATION_US: Final = 600 * US_PER_S


def _write_duration(us: int) -> float:
    """Write a duration as k6's bare number (ms), so that a dumped profile reads back exactly."""
    return us / US_PER_MS


Duration = Annotated[
    int,
    BeforeValidator(parse_duration_us),
    Field(le=LONGEST_US),
    PlainSerializer(_write_duration, when_used="json"),
]


_K6_SPELLING: Final[Mapping[str, str]] = {
    "start_vus": "startVUs",
    "pre_allocated_vus": "preAllocatedVUs",
    "max_vus": "maxVUs",
}


class Frozen(BaseModel):
    """Refuse unknown keys and changes after reading; keys are written as k6 does (camelCase)."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        validate_by_name=True,
        alias_generator=lambda name: _K6_SPELLING.get(name, to_camel(name)),
    )


class Stage(Frozen):
    """Ramp linearly to `target` over `duration_us`."""

    duration_us: Duration = Field(alias="duration", ge=0)
    target: int = Field(ge=0, le=MOST_RATE)


class _Executor(Frozen):
    """What every executor has."""

    open_model: ClassVar[bool] = False

    start_time_us: Duration = Field(default=0, alias="startTime", ge=0)
    graceful_stop_us: Duration = Field(default=DEFAULT_GRACEFUL_STOP_US, alias="gracefulStop", ge=0)


class ConstantVUs(_Executor):
    """Loop a fixed number of VUs for a fixed time."""

    executor: Literal["constant-vus"]
    vus: int = Field(default=1, ge=1, le=MOST_VUS)
    duration_us: Duration = Field(alias="duration", ge=US_PER_S)

    @property
    def length_us(self) -> int:
        """Give the planned length without the graceful stop."""
        return self.duration_us

    @property
    def most_vus(self) -> int:
        """Give the most VUs that may run at once."""
        return self.vus


class RampingVUs(_Executor):
    """Loop a number of VUs that follows the stages."""

    executor: Literal["ramping-vus"]
    start_vus: int = Field(default=1, ge=0, le=MOST_RATE)
    stages: tuple[Stage, ...] = Field(strict=False)
    graceful_ramp_down_us: Duration = Field(
        default=DEFAULT_GRACEFUL_STOP_US, alias="gracefulRampDown", ge=0
    )

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        _require_stages(self.stages)
        if self.most_vus == 0:
            raise ValueError("startVUs or one of the stages' targets must be greater than 0")
        if self.most_vus > MOST_VUS:
            raise ValueError(f"{self.most_vus} VUs are more than {MOST_VUS}, the most there can be")
        return self

    @property
    def length_us(self) -> int:
        """Give the planned length without the graceful stop."""
        return sum(stage.duration_us for stage in self.stages)

    @property
    def most_vus(self) -> int:
        """Give the most VUs that may run at once."""
        return max(self.start_vus, *(stage.target for stage in self.stages))


class _ArrivalRate(_Executor):
    """What both arrival-rate executors share: starts follow the clock, not the target."""

    open_model: ClassVar[bool] = True

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
        """Give the most VUs that may run at once."""
        return self.pre_allocated_vus if self.max_vus is None else self.max_vus


class ConstantArrivalRate(_ArrivalRate):
    """Start `rate` iterations per time unit, however slow the target is."""

    executor: Literal["constant-arrival-rate"]
    rate: int = Field(ge=1, le=MOST_RATE)
    duration_us: Duration = Field(alias="duration", ge=US_PER_S)

    @property
    def length_us(self) -> int:
        """Give the planned length without the graceful stop."""
        return self.duration_us


class RampingArrivalRate(_ArrivalRate):
    """Start iterations at a rate that follows the stages."""

    executor: Literal["ramping-arrival-rate"]
    start_rate: int = Field(default=0, ge=0, le=MOST_RATE)
    stages: tuple[Stage, ...] = Field(strict=False)

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        _require_stages(self.stages)
        return self

    @property
    def length_us(self) -> int:
        """Give the planned length without the graceful stop."""
        return sum(stage.duration_us for stage in self.stages)


class PerVUIterations(_Executor):
    """Let every VU run the same number of iterations."""

    executor: Literal["per-vu-iterations"]
    vus: int = Field(default=1, ge=1, le=MOST_VUS)
    iterations: int = Field(default=1, ge=1, le=MOST_ITERATIONS)
    max_duration_us: Duration = Field(
        default=DEFAULT_MAX_DURATION_US, alias="maxDuration", ge=US_PER_S
    )

    @property
    def length_us(self) -> int:
        """Give the longest planned length without the graceful stop."""
        return self.max_duration_us

    @property
    def most_vus(self) -> int:
        """Give the most VUs that may run at once."""
        return self.vus


class SharedIterations(_Executor):
    """Let the VUs share a number of iterations; a fast VU does more of them."""

    executor: Literal["shared-iterations"]
    vus: int = Field(default=1, ge=1, le=MOST_VUS)
    iterations: int = Field(default=1, ge=1, le=MOST_ITERATIONS)
    max_duration_us: Duration = Field(
        default=DEFAULT_MAX_DURATION_US, alias="maxDuration", ge=US_PER_S
    )

    @model_validator(mode="after")
    def _has_work_for_all(self) -> Self:
        if self.iterations < self.vus:
            raise ValueError(
                f"iterations ({self.iterations}) can't be less than the number of VUs ({self.vus})"
            )
        return self

    @property
    def length_us(self) -> int:
        """Give the longest planned length without the graceful stop."""
        return self.max_duration_us

    @property
    def most_vus(self) -> int:
        """Give the most VUs that may run at once."""
        return self.vus


Executor = Annotated[
    ConstantVUs
    | RampingVUs
    | ConstantArrivalRate
    | RampingArrivalRate
    | PerVUIterations
    | SharedIterations,
    Field(discriminator="executor"),
]
EXECUTOR_NAMES: Final = (
    "constant-vus",
    "ramping-vus",
    "constant-arrival-rate",
    "ramping-arrival-rate",
    "per-vu-iterations",
    "shared-iterations",
)


def describe(executor: Executor) -> str:
    """Say in a few words what an executor does, e.g. `50 starts/1s for 5m, up to 100 VUs`."""
    match executor:
        case ConstantVUs():
            return f"{executor.vus} VUs for {format_duration(executor.duration_us)}"
        case RampingVUs():
            return (
                f"{executor.start_vus} to {executor.most_vus} VUs over "
                f"{format_duration(executor.length_us)}"
            )
        case ConstantArrivalRate():
            return (
                f"{executor.rate} starts per {format_duration(executor.time_unit_us)} for "
                f"{format_duration(executor.duration_us)}, up to {executor.most_vus} VUs"
            )
        case RampingArrivalRate():
            rates = [executor.start_rate, *(stage.target for stage in executor.stages)]
            return (
                f"{min(rates)} to {max(rates)} starts per "
                f"{format_duration(executor.time_unit_us)} over "
                f"{format_duration(executor.length_us)}, up to {executor.most_vus} VUs"
            )
        case PerVUIterations():
            return f"{executor.vus} VUs, {executor.iterations} iterations each"
        case SharedIterations():
            return f"{executor.iterations} iterations shared by {executor.vus} VUs"


def _require_stages(stages: tuple[Stage, ...]) -> None:
    if not stages:
        raise ValueError("at least one stage has to be specified")
