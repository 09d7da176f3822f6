"""How values that are lower bounds enter the figures of a duration: they never lower one.

An interrupted operation that nobody can call failed enters with what it had waited. Each figure is
the larger of the two with and without such values; the minimum is that of operations which ended.
Add here: the SQL of another statistic that such values may not lower. Keep out: which operations
these are (censoring.py).
"""

from collections.abc import Iterable
from typing import Final

import duckdb

from perf_pipeline.metrics.catalog import Kind, Metric
from perf_pipeline.metrics.summary import FIGURES
from perf_pipeline.store.aggregates import figure_sql
from perf_pipeline.store.censoring import UNDECIDED, has_undecided
from perf_pipeline.store.metric_sql import FROM_SAMPLES
from perf_pipeline.store.records import RunKey

_ENDED: Final = f"filter (where not ({UNDECIDED}))"


def raised(figure: str, statistic: str = "") -> str:
    """Return the SQL of a figure of a trend that lower bounds may raise and never lower.

    Args:
        figure: an aggregate over `value`.
        statistic: the statistic of the threshold grammar.
    """
    if statistic == "min":
        return f"coalesce({figure} {_ENDED}, {figure})"
    return f"greatest({figure}, {figure} {_ENDED})"


_AS_THEY_ARE: Final = frozenset({"count", "rate", "maximum", "last"})
TREND_WITH_BOUNDS: Final = ", ".join(
    figure_sql(Kind.TREND, field)
    if field in _AS_THEY_ARE
    else raised(figure_sql(Kind.TREND, field), "min" if field == "minimum" else "")
    for field in FIGURES
)
"""The figures of a summary of such a trend, in the order of its fields."""


def have_bounds(
    connection: duckdb.DuckDBPyConnection, key: RunKey, metrics: Iterable[Metric]
) -> bool:
    """Tell whether any of these metrics has lower bounds among its values, by a scan of rows."""
    return any(map(takes_bounds, metrics)) and has_undecided(connection, key)


def takes_bounds(metric: Metric) -> bool:
    """Say whether an interrupted operation can enter a metric with what it had waited."""
    return metric.kind is Kind.TREND and metric.name in FROM_SAMPLES
