"""Estimate how much a series moves without a cause: its winsorised centre and spread, Student's t.

Formulas and sources: docs/statistics.md.
Add here: another estimate of centre or spread. Keep out: any decision (baseline.py).
"""

import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from perf_pipeline.analysis.special import special

SD_FLOOR: Final = 0.005
"""Smallest standard deviation of ln(value) that is believed: 0.5 %."""

_WINSOR_SDS: Final = 2.5
_FEW_VALUES: Final = 10
_SD_PER_MAD: Final = 1.4826
_SD_PER_MEAN_DEVIATION: Final = 1.2533


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """Describe the history that a run is compared with.

    Attributes:
        n: number of runs.
        median: median in the unit of the metric; None without runs.
        cv: coefficient of variation of the plain values (sample sd / |mean|, a ratio); None below
            two runs or at mean 0.
        mean_log: mean of the winsorised ln(value); None without runs or with a value <= 0.
        sd_log: floored sample standard deviation of these; None as `mean_log`, and for one run.
    """

    n: int
    median: float | None
    cv: float | None
    mean_log: float | None
    sd_log: float | None


def noise(values: Sequence[float], sd_floor: float = SD_FLOOR) -> NoiseFloor:
    """Describe a series with one value per run; a value that is no number is no data."""
    values = [value for value in values if math.isfinite(value)]
    if not values:
        return NoiseFloor(0, None, None, None, None)
    mean_log = sd_log = None
    if min(values) > 0:
        mean_log, sd_log = centre_and_spread([math.log(value) for value in values], sd_floor)
    return NoiseFloor(len(values), statistics.median(values), _cv(values), mean_log, sd_log)


def _cv(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return None
    mean = statistics.fmean(values)
    return sample_sd(values, mean) / abs(mean) if mean else None


def sample_sd(values: Sequence[float], mean: float) -> float:
    """Return the sample standard deviation of at least two values around a known mean."""
    # statistics.stdev calculates with exact fractions, which is 16 times slower and no digit better
    # here; the distance does not overflow where a square would.
    return math.dist(values, (mean,) * len(values)) / math.sqrt(len(values) - 1)


def centre_and_spread(values: Sequence[float], sd_floor: float) -> tuple[float, float | None]:
    """Return the mean and the floored sample standard deviation of the winsorised values.

    The spread of a single value is None, because one run says nothing about noise.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("a centre needs at least one value")
    kept = winsorised(values)
    mean = math.fsum(kept) / len(kept)
    return mean, max(sample_sd(kept, mean), sd_floor) if len(kept) > 1 else None


def centre_of(values: Sequence[float]) -> float:
    """Return the centre of `centre_and_spread` alone, which takes half as long.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("a centre needs at least one value")
    return math.fsum(winsorised(values)) / len(values)


def winsorised(values: Sequence[float]) -> list[float]:
    """Pull values beyond median ± 2.5 robust standard deviations back to that limit.

    Of fewer than ten values that limit is wider, by 10 / n: their spread is hardly known. A robust
    standard deviation is 1.4826 * MAD (median absolute deviation from the median). Where
    more than half of the values are equal, the MAD is 0 and would flatten the others, so that
    1.2533 * mean absolute deviation is used instead.
    Source: Tukey (1962) for winsorising; Rousseeuw & Croux (1993) for 1.4826; Iglewicz & Hoaglin
    (1993) for 1.2533 at MAD 0.

    >>> winsorised([1.0, 2.0, 3.0, 4.0, 100.0])
    [1.0, 2.0, 3.0, 4.0, 10.413]
    """
    ordered = sorted(values)
    low, high = _limits(ordered)
    if ordered[0] >= low and ordered[-1] <= high:  # nearly always
        return list(values)
    return [low if value < low else min(value, high) for value in values]


def winsorised_in_order(ordered: Sequence[float]) -> Sequence[float]:
    """Return the `winsorised` values of at least one, the smallest first, without sorting them."""
    low, high = _limits(ordered)
    if ordered[0] >= low and ordered[-1] <= high:
        return ordered
    first, end = bisect_left(ordered, low), bisect_right(ordered, high)
    return [*[low] * first, *ordered[first:end], *[high] * (len(ordered) - end)]


def _limits(ordered: Sequence[float]) -> tuple[float, float]:
    """Return between which values nothing is pulled back."""
    if ordered[0] == ordered[-1]:
        return ordered[0], ordered[0]
    median = _middle(ordered)
    mad = _middle_deviation(ordered, median)
    robust_sd = _SD_PER_MAD * mad
    if not mad:
        deviations = [abs(value - median) for value in ordered]
        robust_sd = _SD_PER_MEAN_DEVIATION * statistics.fmean(deviations)
    limit = _WINSOR_SDS * max(1.0, _FEW_VALUES / len(ordered)) * robust_sd
    return median - limit, median + limit


def _middle_deviation(ordered: Sequence[float], median: float) -> float:
    """Return the median of the deviations from the median, without sorting them.

    Those that are closest to the median are neighbours, and halving finds the first of them.
    """
    n = len(ordered)
    closest = n // 2 + 1
    first, last = 0, n - closest
    while first < last:
        at = (first + last) // 2
        if median - ordered[at] > ordered[at + closest] - median:
            first = at + 1
        else:
            last = at
    end = first + closest - 1
    below, above = median - ordered[first], ordered[end] - median
    if n % 2:
        return max(below, above)
    if below > above:
        return (below + max(median - ordered[first + 1], above)) / 2
    return (above + max(below, ordered[end - 1] - median)) / 2


def _middle(ordered: Sequence[float]) -> float:
    """Return the median of values in order."""
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


@lru_cache(maxsize=512)
def student_t(probability: float, degrees_of_freedom: int) -> float:
    """Return the quantile of Student's t distribution.

    Source: Student (1908); computed by scipy.special.stdtrit.

    >>> round(student_t(0.99, 29), 3)
    2.462
    """
    return float(special().stdtrit(degrees_of_freedom, probability))
