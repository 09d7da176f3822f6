"""A distribution as reports show it: shares of the values by size, and its percentiles.

Add here: another figure of a distribution. Keep out: drawing (distribution_plot.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp
from typing import Final

from perf_pipeline.metrics.histogram import LEAST, LOG_GAMMA, Histogram

# Eight buckets of a histogram are a bar, which is 8 % wide.
_BUCKETS_A_BAR: Final = 8
# From the left of a spectrum to its right.
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
    """Hold the distribution of one run, or of several together.

    Attributes:
        count: number of values.
        bars: by size; those of zero and below are left out, as a log axis has no place for them.
        percentiles: (percent, value), as far as enough values carry them; the last is the maximum.
    """

    count: int
    bars: tuple[Bar, ...]
    percentiles: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Distribution:
    """Hold a distribution beside that of its baseline.

    Attributes:
        metric: whose values.
        unit: the unit of the values.
        now: the distribution of this run.
        before: the distribution of all runs of the baseline together; None if there are none.
        runs: how many these are.
        names: the names of both, for the legend.
    """

    metric: str
    unit: str
    now: Spread
    before: Spread | None = None
    runs: int = 0
    names: tuple[str, str] = ("this run", "baseline")


def spread_of(found: Histogram) -> Spread:
    """Return the bars and the percentiles of a histogram that has a value."""
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
