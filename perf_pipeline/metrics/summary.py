"""One row of figures for one metric under one tag filter.

Add here: an aggregate that reports need. Keep out: how it is computed (store/ does, in SQL).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

COMPARED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "med": "median",
        "p(90)": "p90",
        "p(95)": "p95",
        "p(99)": "p99",
        "avg": "average",
        "max": "maximum",
        "min": "minimum",
        "rate": "rate",
        "count": "count",
        "value": "last",
    }
)
"""What runs are compared by: statistics of the grammar, each with the field of `Summary`."""


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


def compared_statistic(label: str) -> str | None:
    """Give the one name that a statistic has over all runs, None where none is compared by it.

    >>> [compared_statistic(label) for label in ("p(95)", "p(50)", "p(99.99)")]
    ['p(95)', 'med', None]
    """
    name = "med" if label == "p(50)" else label
    return name if name in COMPARED else None
