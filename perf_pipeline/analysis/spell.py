"""Find when and for how long a figure was above its bound, from readings over a benchmark's time.

Add here: another property of the time above a bound. Keep out: where readings come from (store/).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Spell:
    """Say when and for how long a figure was above its bound.

    Attributes:
        first_s: time of the first reading above it, in s since the benchmark's origin.
        above_s: total time above it, in s.
    """

    first_s: float
    above_s: float


def spell(points: Sequence[Point], bound: float) -> Spell | None:
    """Add up the time above the bound; None when no reading is above it.

    A reading holds until the next one. The last reading holds for as long as the one before it, and
    a single reading for no time.

    Args:
        points: (s since the benchmark's origin, value), ordered by time.
        bound: the bound in the unit of the values; a value above it is greater.

    >>> spell([(0, 10), (1, 95), (2, 96), (4, 10)], bound=90)
    Spell(first_s=1, above_s=3)
    """
    spans = [later - at for (at, _), (later, _) in pairwise(points)]
    spans.append(spans[-1] if spans else 0.0)
    above = [(at, span) for (at, value), span in zip(points, spans, strict=False) if value > bound]
    return Spell(above[0][0], sum(span for _, span in above)) if above else None
