"""Count the planned starts between two moments.

Add here: another question about the rate of a plan. Keep out: the plan itself (outline.py).
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from perf_pipeline.config.executors.kinds import (
    ArrivalRate,
    Executor,
    RampedRate,
    RecordedRate,
    SteadyRate,
)
from perf_pipeline.units import US_PER_S

Knot = tuple[int, float]
"""A moment in µs, and the starts per second from or until then; two of a moment are a jump."""


def starts_between(rate: Sequence[Knot], from_us: int, until_us: int) -> float:
    """Return the area under a rate that is linear between its knots and 0 outside.

    >>> starts_between([(0, 0.0), (10_000_000, 10.0)], 0, 5_000_000)
    12.5
    """
    area = 0.0
    for (left_us, left), (right_us, right) in pairwise(rate):
        begin, end = max(left_us, from_us), min(right_us, until_us)
        if begin < end:
            slope = (right - left) / (right_us - left_us)
            middle = left + slope * ((begin + end) / 2 - left_us)
            area += middle * (end - begin) / US_PER_S
    return area


def rate_of(plan: Executor, begins_us: int) -> Iterator[Knot]:
    """Yield the rate of starts over time; nothing if the target's speed decides.

    Args:
        plan: the plan of a scenario.
        begins_us: its first start, in µs since the origin of the knots.
    """
    if not isinstance(plan, ArrivalRate):
        return
    match plan.planned_rate:
        case SteadyRate() as steady:
            yield begins_us, steady.per_s
            yield begins_us + steady.length_us, steady.per_s
        case RampedRate() as ramped:
            at_us, per_s = begins_us, US_PER_S / ramped.time_unit_us
            yield at_us, ramped.starts * per_s
            for stage in ramped.stages:
                at_us += stage.duration_us
                yield at_us, stage.target * per_s
        case RecordedRate() as recorded:
            width_us = recorded.length_us / len(recorded.bins)
            for place, starts in enumerate(recorded.bins):
                per_s = starts * US_PER_S / width_us
                yield begins_us + round(place * width_us), per_s
                yield begins_us + round((place + 1) * width_us), per_s


def rate_at(rate: Sequence[Knot], at_us: int) -> float:
    """Return the mean rate of the second that ends at a moment, as far as the plan covers it.

    >>> rate_at([(0, 100.0), (60_000_000, 100.0)], 500_000), rate_at([(0, 0.0), (9, 1.0)], 2**40)
    (100.0, 0.0)
    """
    if not rate:
        return 0.0
    from_us, until_us = max(rate[0][0], at_us - US_PER_S), min(rate[-1][0], at_us)
    if from_us >= until_us:
        return 0.0
    return starts_between(rate, from_us, until_us) * US_PER_S / (until_us - from_us)
