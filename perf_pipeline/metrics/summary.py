"""A summary: the figures of a metric under a tag filter.

Add here: the field of a new statistic (statistic.py). Keep out: how it is computed (in SQL, by
store/).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Final

from perf_pipeline.metrics.statistic import STATISTICS

LEAST_VALUES: Final[Mapping[str, int]] = MappingProxyType(
    {"p90": 10, "p95": 20, "p99": 100, "p99_9": 1_000}
)
"""How many values a percentile needs to be shown to people; thresholds and baselines take any."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Summarise a series of a run.

    Attributes:
        metric: name in the catalog.
        tags: the filter, e.g. {"scenario": "create"}; empty for the whole benchmark.
        count: number of values of a trend or a gauge, or of observations of a rate; the sum of a
            counter.
        rate: a counter's sum per second of measured time, or the share of ones (0..1) of a rate;
            None for other kinds.
        minimum: the smallest value; like the figures below in the unit of the metric, and None
            without values.
        average: the arithmetic mean.
        median: the 50th percentile, by linear interpolation between closest ranks (as k6).
        p90: the 90th percentile.
        p95: the 95th percentile.
        p99: the 99th percentile.
        p99_9: the 99.9th percentile.
        maximum: the largest value.
        last: the newest value, which is the `value` of a gauge.
    """

    metric: str
    tags: Mapping[str, str]
    count: float
    rate: float | None
    minimum: float | None
    average: float | None
    median: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    p99_9: float | None
    maximum: float | None
    last: float | None

    def carried(self, field: str) -> float | None:
        """Return a figure by its field where enough values carry it, for people to read.

        A percentile p needs 1 / (1 - p) values: of fewer it is the largest one, or lies between
        that and the one before, so that it says nothing that the maximum does not say.
        """
        value: float | None = getattr(self, field)
        return value if self.count >= LEAST_VALUES.get(field, 0) else None

    def figure(self, statistic: str) -> float | None:
        """Return one statistic by its name, e.g. `p(95)`; None when it has no value.

        Raises:
            KeyError: there is no such statistic.
        """
        value: float | None = getattr(self, STATISTICS[statistic].field)
        return value


FIGURES: Final = tuple(
    field.name for field in fields(Summary) if field.name not in {"metric", "tags"}
)
"""Names of the fields that hold a figure."""
