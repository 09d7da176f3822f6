"""How values that are lower bounds enter the figures of a duration: they never lower one.

An interrupted operation that nobody can call failed enters with what it had waited. Each figure is
the larger of the two with and without such values; the smallest value is one seen to its end.
Add here: the SQL of another statistic that such values may not lower. Keep out: which operations
these are (censoring.py).
"""

from typing import Final

import duckdb

from perf_pipeline.metrics.catalog import Kind, Metric
from perf_pipeline.store.censoring import UNDECIDED, has_undecided
from perf_pipeline.store.metric_sql import FROM_SAMPLES
from perf_pipeline.store.records import RunKey

PERCENTILES: Final = (0.5, 0.9, 0.95, 0.99, 0.999)
_ENDED: Final = f"filter (where not ({UNDECIDED}))"


def raised(figure: str, statistic: str = "") -> str:
    """Give the SQL of a figure of a trend that lower bounds may raise and never lower.

    Args:
        figure: an aggregate over `value`.
        statistic: of the threshold grammar.
    """
    if statistic == "min":
        return f"coalesce({figure} {_ENDED}, {figure})"
    return f"greatest({figure}, {figure} {_ENDED})"


_RAISED: Final = ", ".join(raised(f"quantile_cont(value, {each})") for each in PERCENTILES)
TREND_WITH_BOUNDS: Final = (
    f"count(value), null, {raised('min(value)', 'min')}, {raised('avg(value)')}, [{_RAISED}], "
    "max(value), arg_max(value, at_us)"
)
"""Count, rate, minimum, average, percentiles, maximum and last of such a trend."""


def has_bounds(connection: duckdb.DuckDBPyConnection, key: RunKey, metric: Metric) -> bool:
    """Tell whether a duration has lower bounds among its values; looking for them costs a scan."""
    if metric.kind is not Kind.TREND or metric.name not in FROM_SAMPLES:
        return False
    return has_undecided(connection, key)
