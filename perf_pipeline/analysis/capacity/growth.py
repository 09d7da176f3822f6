"""Decide whether work piles up during a window: the slope of a queue over time, with its interval.

The slope is that of least squares; its standard error allows for values that depend on those before
them, as the length of a queue does (Newey and West 1987, A Simple, Positive Semi-Definite,
Heteroskedasticity and Autocorrelation Consistent Covariance Matrix, Econometrica 55; Bartlett
weights; lags by their rule of thumb of 1994, 4 (n / 100)^(2/9)).

Add here: another estimate of growth. Keep out: what is watched, and its consequences (verdict.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from perf_pipeline.analysis.noise import student_t

LEAST_POINTS: Final = 8
"""Fewer readings say nothing about a trend."""
_CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Growth:
    """Hold how fast something grows per second, with the 95 % interval."""

    per_s: float
    low: float
    high: float


def slope_of(points: Sequence[tuple[float, float]]) -> Growth | None:
    """Return the slope of values over time; None below 8 points, or if all times are equal.

    Args:
        points: (seconds, value), ordered by time.

    >>> slope_of([(float(s), 3.0 * s) for s in range(10)])
    Growth(per_s=3.0, low=3.0, high=3.0)
    """
    if len(points) < LEAST_POINTS:
        return None
    middle = fmean(at_s for at_s, _ in points)
    level = fmean(value for _, value in points)
    offsets = [at_s - middle for at_s, _ in points]
    spread = math.fsum(offset * offset for offset in offsets)
    if spread == 0:
        return None
    per_s = (
        math.fsum(
            offset * (value - level) for offset, (_, value) in zip(offsets, points, strict=True)
        )
        / spread
    )
    scores = [
        offset * (value - level - per_s * offset)
        for offset, (_, value) in zip(offsets, points, strict=True)
    ]
    error = math.sqrt(_long_run(scores)) / spread
    reach = student_t((1 + _CONFIDENCE) / 2, len(points) - 2) * error
    return Growth(per_s, per_s - reach, per_s + reach)


def _long_run(scores: Sequence[float]) -> float:
    """Return the variance of the scores' sum, with Bartlett weights for their dependence."""
    count = len(scores)
    lags = max(1, math.floor(4 * (count / 100) ** (2 / 9)))
    total = math.fsum(score * score for score in scores)
    for lag in range(1, min(lags, count - 1) + 1):
        weight = 1 - lag / (lags + 1)
        total += 2 * weight * math.fsum(a * b for a, b in zip(scores[lag:], scores, strict=False))
    return max(0.0, total) * count / (count - 2)
