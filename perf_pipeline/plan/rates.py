"""How many starts a plan wants between two moments.

Add here: another question to the rate of a plan. Keep out: the plan itself (outline.py).
"""

from collections.abc import Sequence
from itertools import pairwise

from perf_pipeline.units import US_PER_S

Knot = tuple[int, float]
"""A moment in µs, and the starts per second from or until then; two of a moment are a jump."""


def starts_between(rate: Sequence[Knot], from_us: int, until_us: int) -> float:
    """Return the area under a rate that is straight between its knots; outside it is 0.

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
