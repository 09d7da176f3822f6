"""k6's ramping-vus. Source: grafana/k6 lib/executor/ramping_vus.go.

Add here: a key or rule of this executor alone. Keep out: what all looping VUs share (kinds.py).
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from perf_pipeline.config.bounds import MOST_RATE, MOST_VUS
from perf_pipeline.config.durations import Duration
from perf_pipeline.config.executors.kinds import DEFAULT_GRACEFUL_STOP_US, LoopingVUs, VuLine
from perf_pipeline.config.executors.stages import Stage, length_of, require_stages
from perf_pipeline.units import format_duration


class RampingVUs(LoopingVUs):
    """Loop a number of VUs that follows the stages."""

    executor: Literal["ramping-vus"]
    start_vus: int = Field(default=1, ge=0, le=MOST_RATE)
    stages: tuple[Stage, ...] = Field(strict=False)
    graceful_ramp_down_us: Duration = Field(
        default=DEFAULT_GRACEFUL_STOP_US, alias="gracefulRampDown", ge=0
    )

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        require_stages(self.stages)
        if self.most_vus == 0:
            raise ValueError(
                "startVUs and the targets of all stages are 0; make at least one of them greater"
            )
        if self.most_vus > MOST_VUS:
            raise ValueError(f"{self.most_vus} VUs are too many; there can be at most {MOST_VUS}")
        return self

    @property
    def length_us(self) -> int:
        """Return the planned length without the graceful stop."""
        return length_of(self.stages)

    @property
    def most_vus(self) -> int:
        """Return the most VUs that may run at once."""
        return max(self.start_vus, *(stage.target for stage in self.stages))

    @property
    def planned_vus(self) -> VuLine:
        """Return the number of VUs, which follows the stages."""
        return VuLine(self.start_vus, self.stages, self.graceful_ramp_down_us)

    @property
    def description(self) -> str:
        """Say `1 to 20 VUs over 5m`."""
        return f"{self.start_vus} to {self.most_vus} VUs over {format_duration(self.length_us)}"
