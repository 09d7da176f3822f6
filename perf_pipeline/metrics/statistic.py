"""Every statistic of a metric, in the table that thresholds, history, comparison and reports use.

Add here: a statistic, as one line, with its field in `Summary`, its SQL (store/aggregates.py) and
its figure of samples (store/tallied_figures.py).
Keep out: how it is computed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from perf_pipeline.metrics.catalog import Kind, Metric


@dataclass(frozen=True, slots=True)
class Statistic:
    """Describe one statistic.

    Attributes:
        name: its name in thresholds and reports.
        field: its field in `Summary`, which is also its column in the table `summaries`.
        quantile: the quantile that it is, 0..1; None for a statistic that is no percentile.
        kinds: kinds of metrics whose summary shows it.
        judged: kinds of metrics that thresholds judge by it.
        is_compared: runs are compared by it.
    """

    name: str
    field: str
    quantile: float | None
    kinds: frozenset[Kind]
    judged: frozenset[Kind]
    is_compared: bool = True

    @property
    def word(self) -> str:
        """Return its word in the grammar of thresholds: `p` for every `p(N)`."""
        return self.name.partition("(")[0]


_COUNTER, _GAUGE = frozenset({Kind.COUNTER}), frozenset({Kind.GAUGE})
_RATE, _TREND = frozenset({Kind.RATE}), frozenset({Kind.TREND})
_TABLE: Final = (
    # In k6's order. name, field, quantile, kinds, judged
    Statistic("avg", "average", None, _TREND, _TREND),
    Statistic("min", "minimum", None, _TREND | _GAUGE, _TREND),
    Statistic("med", "median", 0.5, _TREND, _TREND),
    Statistic("max", "maximum", None, _TREND | _GAUGE, _TREND),
    Statistic("p(90)", "p90", 0.9, _TREND, _TREND),
    Statistic("p(95)", "p95", 0.95, _TREND, _TREND),
    Statistic("p(99)", "p99", 0.99, _TREND, _TREND),
    Statistic("p(99.9)", "p99_9", 0.999, _TREND, _TREND, is_compared=False),
    Statistic("count", "count", None, _TREND | _COUNTER, _COUNTER),
    Statistic("rate", "rate", None, _COUNTER | _RATE, _COUNTER | _RATE),
    Statistic("value", "last", None, _GAUGE, _GAUGE),
)
STATISTICS: Final[Mapping[str, Statistic]] = MappingProxyType({row.name: row for row in _TABLE})
QUANTILES: Final = tuple(row.quantile for row in _TABLE if row.quantile is not None)
COMPARED: Final = tuple(row.name for row in _TABLE if row.is_compared)
"""Names of the statistics that runs are compared by."""
_BY_LABEL: Final[Mapping[str, Statistic]] = MappingProxyType(
    {f"p({100 * row.quantile:g})": row for row in _TABLE if row.quantile} | dict(STATISTICS)
)


def compared_statistic(label: str) -> str | None:
    """Return the name under which runs are compared by a statistic; None where they are not.

    >>> [compared_statistic(label) for label in ("p(95)", "p(50)", "p(99.99)")]
    ['p(95)', 'med', None]
    """
    found = _BY_LABEL.get(label)
    return found.name if found is not None and found.is_compared else None


def unit_of(metric: Metric, statistic: str) -> str:
    """Return the unit of one statistic of a metric: a counter's rate is per second.

    Args:
        metric: the metric of the catalog.
        statistic: its name, or its word in the grammar.
    """
    is_per_second = metric.kind is Kind.COUNTER and statistic == "rate"
    return f"{metric.unit}/s" if is_per_second else metric.unit
