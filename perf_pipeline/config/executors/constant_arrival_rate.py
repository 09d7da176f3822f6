"""k6's constant-arrival-rate. Source: grafana/k6 lib/executor/constant_arrival_rate.go.

Add here: a key or rule of this executor alone. Keep out: what all arrival rates share (kinds.py).
"""

from typing import Literal

from pydantic import Field

from perf_pipeline.config.bounds import MOST_RATE
from perf_pipeline.config.durations import Duration
from perf_pipeline.config.executors.kinds import ArrivalRate, SteadyRate
from perf_pipeline.units import US_PER_S, format_duration


class ConstantArrivalRate(ArrivalRate):
    """Start `rate` iterations per time unit, however slow the target is."""

    executor: Literal["constant-arrival-rate"]
    rate: int = Field(ge=1, le=MOST_RATE)
    duration_us: Duration = Field(alias="duration", ge=US_PER_S)

    @property
    def length_us(self) -> int:
        """Return the planned length without the graceful stop."""
        return self.duration_us

    @property
    def most_starts(self) -> int:
        """Return how many iterations it starts at most."""
        return self.rate * self.duration_us // self.time_unit_us + 1

    @property
    def planned_rate(self) -> SteadyRate:
        """Return the rate of starts, which never changes."""
        return SteadyRate(self.rate, self.time_unit_us, self.duration_us)

    @property
    def description(self) -> str:
        """Say `50 starts per 1s for 5m, up to 100 VUs`."""
        return (
            f"{self.rate} starts per {format_duration(self.time_unit_us)} for "
            f"{format_duration(self.duration_us)}, up to {self.most_vus} VUs"
        )
