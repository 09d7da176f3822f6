"""A metric over the time of a benchmark: readings as they are, samples by the second.

Add here: another way of following a metric through time. Keep out: the lines that reports draw
(timeline.py).
"""

from typing import Final

import duckdb

from perf_pipeline.metrics.catalog import Kind
from perf_pipeline.store.aggregates import figure_sql
from perf_pipeline.store.metric_sql import FROM_READINGS, metric_rows
from perf_pipeline.store.records import OF_KEY, RunKey
from perf_pipeline.units import US_PER_S

_READINGS: Final = f"""
select at_us, value from readings
where {OF_KEY} and name = $metric
    and ($source = '' or source = $source)
order by at_us
"""


def over_time(
    connection: duckdb.DuckDBPyConnection, key: RunKey, metric: str, source: str, statistic: str
) -> list[tuple[float, float]]:
    """Return (s since the benchmark's origin, value), ordered by time; empty without raw rows.

    Args:
        connection: to the history.
        key: which benchmark.
        metric: in the catalog.
        source: the source of the readings; empty for all.
        statistic: the statistic of each second's samples: a field of `Summary`.

    Raises:
        KeyError: no such metric or statistic.
    """
    where = key.parameters
    if metric in FROM_READINGS:
        parameters = {**where, "metric": metric, "source": source}
        rows = connection.execute(_READINGS, parameters).fetchall()
    else:
        rows = connection.execute(
            f"select floor(at_us / {US_PER_S}) * {US_PER_S} as second, "
            f"{figure_sql(Kind.TREND, statistic)} "
            f"from ({metric_rows(metric)}) where {OF_KEY} "
            "group by second order by second",
            where,
        ).fetchall()
    return [(at_us / US_PER_S, value) for at_us, value in rows]
