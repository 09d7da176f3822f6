"""k6's ramping-arrival-rate. Source: grafana/k6 lib/executor/ramping_arrival_rate.go.

Add here: a key or rule of this executor alone. Keep out: what all arrival rates share (kinds.py).
"""

from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, model_validator

from perf_pipeline.config.bounds import MOST_RATE
from perf_pipeline.config.executors.kinds import ArrivalRate, RampedRate
from perf_pipeline.config.executors.stages import Stage, length_of, require_stages
from perf_pipeline.units import format_duration


class RampingArrivalRate(ArrivalRate):
    """Start iterations at a rate that follows the stages."""

    executor: Literal["ramping-arrival-rate"]
    start_rate: int = Field(default=0, ge=0, le=MOST_RATE)
    stages: tuple[Stage, ...] = Field(strict=False)

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        require_stages(self.stages)
        return self

    @property
    def length_us(self) -> int:
        """Return the planned length without the graceful stop."""
        return length_of(self.stages)

    @property
    def most_starts(self) -> int:
        """Return how many iterations it starts at most: the area under the rate."""
        twice = sum(
            (before + after) * stage.duration_us
            for stage, (before, after) in zip(self.stages, pairwise(self._rates), strict=True)
        )
        return twice // (2 * self.time_unit_us) + 1

    @property
    def planned_rate(self) -> RampedRate:
        """Return the rate of starts, which follows the stages."""
        return RampedRate(self.start_rate, self.time_unit_us, self.stages)

    @property
    def description(self) -> str:
        """Say `0 to 50 starts per 1s over 5m, up to 100 VUs`."""
        return (
            f"{min(self._rates)} to {max(self._rates)} starts per "
            f"{format_duration(self.time_unit_us)} over {format_duration(self.length_us)}, "
            f"up to {self.most_vus} VUs"
        )

    @property
    def _rates(self) -> list[int]:
        return [self.start_rate, *(stage.target for stage in self.stages)]
