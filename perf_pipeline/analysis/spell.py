"""When a figure was above its bound, and for how long, from readings over a benchmark's time.

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
        first_s: first reading above it, s since the benchmark's origin.
        above_s: sum of the time above it, s.
    """

    first_s: float
    above_s: float


def spell(points: Sequence[Point], bound: float) -> Spell | None:
    """Add up the time above the bound; None when no reading is.

    A reading stands until the next one; the last one for as long as the one before it, and a
    single one for no time.

    Args:
        points: (s since the benchmark's origin, value), ordered by time.
        bound: in the values' unit; above means greater.

    >>> spell([(0, 10), (1, 95), (2, 96), (4, 10)], bound=90)
    Spell(first_s=1, above_s=3)
    """
    spans = [later - at for (at, _), (later, _) in pairwise(points)]
    spans.append(spans[-1] if spans else 0.0)
    above = [(at, span) for (at, value), span in zip(points, spans, strict=False) if value > bound]
    return Spell(above[0][0], sum(span for _, span in above)) if above else None
