"""One row of figures for one metric under one tag filter.

Add here: the field of a new statistic (statistic.py). Keep out: how it is computed (store/ does, in
SQL).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from perf_pipeline.metrics.statistic import STATISTICS


@dataclass(frozen=True, slots=True)
class Summary:
    """Summarise one series of a run.

    Attributes:
        metric: name in the catalog.
        tags: the filter, e.g. {"scenario": "create"}; empty for the whole benchmark.
        count: trend: number of values; rate: number of observations; counter: their sum;
            gauge: number of values.
        rate: counter: per second of measured time; rate: share of ones (0..1); else None.
        minimum: smallest value; like all below in the metric's unit; None without values.
        average: arithmetic mean.
        median: 50th percentile, linear interpolation between closest ranks (k6's).
        p90: 90th percentile; p95, p99, p99_9 alike.
        maximum: largest value.
        last: the newest value (what a gauge's `value` means).
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

    def figure(self, statistic: str) -> float | None:
        """Give one statistic by its name, e.g. `p(95)`; None when it has no value.

        Raises:
            KeyError: there is no such statistic.
        """
        value: float | None = getattr(self, STATISTICS[statistic].field)
        return value


FIGURES: Final = tuple(each.name for each in fields(Summary) if each.name not in {"metric", "tags"})
"""Names of the fields that hold a figure."""
