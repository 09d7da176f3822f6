"""A distribution for reports: shares of values by size, and percentiles.

Add here: another figure of a distribution. Keep out: drawing (distribution_plot.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp
from typing import Final

from perf_pipeline.metrics.histogram import LEAST, LOG_GAMMA, Histogram

# Eight buckets of a histogram make a bar, which is 8 % wide.
_BUCKETS_A_BAR: Final = 8
# In the order from left to right of a spectrum.
_PERCENTILES: Final = (0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.9, 99.95, 99.99, 99.999)


@dataclass(frozen=True, slots=True)
class Bar:
    """Hold a bar.

    Attributes:
        low: lower edge, in the metric's unit.
        high: upper edge.
        share: the share of all values, 0 to 1.
    """

    low: float
    high: float
    share: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Hold the distribution of one run, or of several runs together.

    Attributes:
        count: the number of values.
        bars: the bars by size; bars at zero and below are left out, because a log axis has no place
            for them.
        percentiles: (percent, value), as far as there are enough values; the last is the maximum.
    """

    count: int
    bars: tuple[Bar, ...]
    percentiles: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Distribution:
    """Hold a distribution and that of its baseline.

    Attributes:
        metric: the metric of the values.
        unit: the unit of the values.
        now: the distribution of this run.
        before: the distribution of all runs of the baseline together; None if there are none.
        runs: the number of these runs.
        names: the names of both, for the legend.
    """

    metric: str
    unit: str
    now: Spread
    before: Spread | None = None
    runs: int = 0
    names: tuple[str, str] = ("this run", "baseline")


def spread_of(found: Histogram) -> Spread:
    """Return the bars and the percentiles of a histogram with at least one value."""
    bars: dict[int, int] = {}
    for bucket, times in found.buckets.items():
        if bucket > 0:
            place = (bucket - 1) // _BUCKETS_A_BAR
            bars[place] = bars.get(place, 0) + times
    return Spread(
        int(found.count),
        tuple(
            Bar(_edge(place), _edge(place + 1), times / found.count)
            for place, times in sorted(bars.items())
        ),
        tuple(_percentiles(found)),
    )


def _edge(place: int) -> float:
    return LEAST * exp(LOG_GAMMA * _BUCKETS_A_BAR * place)


def _percentiles(found: Histogram) -> Iterator[tuple[float, float]]:
    """Yield percentiles and the maximum; a percentile p needs 1 / (1 - p) values."""
    count = sum(found.buckets.values())
    for percent in _PERCENTILES:
        value = found.percentile(percent) if (100 - percent) * count >= 100 else None
        if value is not None:
            yield percent, value
    yield 100.0, found.maximum
