"""k6's constant-vus. Source: grafana/k6 lib/executor/constant_vus.go.

Add here: a key or rule of this executor alone. Keep out: what all looping VUs share (kinds.py).
"""

from typing import Literal

from pydantic import Field

from perf_pipeline.config.bounds import MOST_VUS
from perf_pipeline.config.durations import Duration
from perf_pipeline.config.executors.kinds import LoopingVUs, VuLine
from perf_pipeline.units import US_PER_S, format_duration


class ConstantVUs(LoopingVUs):
    """Loop a fixed number of VUs for a fixed time."""

    executor: Literal["constant-vus"]
    vus: int = Field(default=1, ge=1, le=MOST_VUS)
    duration_us: Duration = Field(alias="duration", ge=US_PER_S)

    @property
    def length_us(self) -> int:
        """Return the planned length without the graceful stop."""
        return self.duration_us

    @property
    def most_vus(self) -> int:
        """Return the number of VUs."""
        return self.vus

    @property
    def planned_vus(self) -> VuLine:
        """Return the number of VUs, which never changes."""
        return VuLine(self.vus)

    @property
    def description(self) -> str:
        """Say `3 VUs for 5m`."""
        return f"{self.vus} VUs for {format_duration(self.duration_us)}"
