"""The SQL of every statistic over the values of a metric.

Rows have `value`, `weight` and `at_us` (metric_sql.py). Percentiles are DuckDB's quantile_cont:
linear interpolation between closest ranks, i = p/100 * (n - 1), which is what k6 computes.

Add here: the SQL of a new statistic. Keep out: which statistics there are (metrics/statistic.py),
and values that are lower bounds (lower_bounds.py).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.statistic import QUANTILES, STATISTICS
from perf_pipeline.metrics.summary import FIGURES
from perf_pipeline.metrics.threshold import Threshold

_NEWEST: Final = "arg_max(value, at_us)"
# By the field of `Summary`; what is absent, the kind does not have.
_PLAIN: Final[Mapping[Kind, Mapping[str, str]]] = MappingProxyType(
    {
        Kind.TREND: {
            "count": "count(value)",
            "minimum": "min(value)",
            "average": "avg(value)",
            "maximum": "max(value)",
            "last": _NEWEST,
        },
        Kind.COUNTER: {"count": "sum(value)"},  # its rate is this over the time (statistics.py)
        Kind.RATE: {"count": "sum(weight)", "rate": "sum(value * weight) / sum(weight)"},
        Kind.GAUGE: {
            "count": "count(value)",
            "minimum": "min(value)",
            "maximum": "max(value)",
            "last": _NEWEST,
        },
    }
)
_QUANTILE_OF: Final[Mapping[str, float]] = MappingProxyType(
    {
        statistic.field: statistic.quantile
        for statistic in STATISTICS.values()
        if statistic.quantile is not None
    }
)


def quantile(share: float) -> str:
    """Return the SQL of a percentile; 0.5 is the median."""
    return f"quantile_cont(value, {share!r})"


def figure_sql(kind: Kind, field: str) -> str:
    """Return the SQL of one figure of a summary; `null` where this kind of metric has none.

    Args:
        kind: the kind of the metric.
        field: the field of `Summary`.

    Raises:
        KeyError: a summary has no such figure.
    """
    if field not in FIGURES:
        raise KeyError(field)
    if kind is Kind.TREND and field in _QUANTILE_OF:
        return quantile(_QUANTILE_OF[field])
    return _PLAIN[kind].get(field, "null")


def summary_sql(kind: Kind) -> str:
    """Return the SQL of all figures of a summary, in the order of its fields."""
    return ", ".join(_together(kind, field) for field in FIGURES)


def threshold_sql(threshold: Threshold) -> str:
    """Return the SQL of what a threshold judges; for the rate of a counter, that of its sum.

    Raises:
        KeyError: the metric has no such statistic.
    """
    if threshold.percentile is not None:
        return quantile(threshold.percentile / 100)
    kind = CATALOG[threshold.metric].kind
    if kind is Kind.COUNTER:
        return _PLAIN[kind]["count"]
    return figure_sql(kind, STATISTICS[threshold.statistic].field)


def _together(kind: Kind, field: str) -> str:
    """Ask for all percentiles at once, so that DuckDB sorts the values only once."""
    if kind is Kind.TREND and field in _QUANTILE_OF:
        place = QUANTILES.index(_QUANTILE_OF[field]) + 1
        return f"quantile_cont(value, {list(QUANTILES)})[{place}]"
    return figure_sql(kind, field)
