"""Stages: how a rate or a number of VUs changes over time.

Add here: a rule about stages of every executor. Keep out: the unit of a stage's target.
"""

from pydantic import Field

from perf_pipeline.config.bounds import MOST_RATE
from perf_pipeline.config.durations import Duration
from perf_pipeline.config.frozen import Frozen


class Stage(Frozen):
    """Ramp linearly to `target` over `duration_us`."""

    duration_us: Duration = Field(alias="duration", ge=0)
    target: int = Field(ge=0, le=MOST_RATE)


def require_stages(stages: tuple[Stage, ...]) -> None:
    """Refuse an empty list of stages.

    Raises:
        ValueError: there is no stage.
    """
    if not stages:
        raise ValueError("there are no stages; write at least one")


def length_of(stages: tuple[Stage, ...]) -> int:
    """Return how long the stages take together, in µs."""
    return sum(stage.duration_us for stage in stages)
