"""Work out what the plan of a scenario asks for at a moment, to compare it with what happens.

Add here: another figure that follows from the plan and the time. Keep out: what really happens.
"""

from dataclasses import dataclass
from typing import Final

from perf_pipeline.config.executors.kinds import Executor, IterationQuota
from perf_pipeline.plan.iterations import intended_iterations
from perf_pipeline.plan.rates import rate_at, rate_of
from perf_pipeline.units import US_PER_S


@dataclass(frozen=True, slots=True)
class PlannedNow:
    """Hold what a plan asks for at a moment.

    Attributes:
        per_s: starts per second; None if the target's speed decides.
        iterations: after how many iterations the scenario is done; None if its time decides.
        begins_in_s: the time until its first start; 0 once it has begun.
        left_s: the time until its planned end, at the latest; 0 afterwards.
    """

    per_s: float | None
    iterations: int | None
    begins_in_s: float
    left_s: float


NOTHING_PLANNED: Final = PlannedNow(None, None, 0.0, 0.0)


def planned_now(executor: Executor, elapsed_us: int) -> PlannedNow:
    """Ask a plan about a moment, in µs since the load began.

    A changing rate is the mean over the last second, like the rate that it is compared with.
    """
    begins_us, length_us = executor.start_time_us, executor.length_us
    knots = tuple(rate_of(executor, begins_us))
    is_quota = isinstance(executor, IterationQuota)
    return PlannedNow(
        per_s=rate_at(knots, elapsed_us) if knots else None,
        iterations=intended_iterations(executor) if is_quota else None,
        begins_in_s=max(0, begins_us - elapsed_us) / US_PER_S,
        left_s=max(0, begins_us + length_us - elapsed_us) / US_PER_S,
    )
