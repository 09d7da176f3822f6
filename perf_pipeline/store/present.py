"""Find the metrics that a benchmark can have values of, so that the others aren't queried.

A statement takes milliseconds before it reads a row, and a benchmark has values of a third of the
catalog. Add here: where another kind of metric comes from. Keep out: values (metric_sql.py).
"""

from collections.abc import Iterable
from typing import Final

import duckdb

from perf_pipeline.metrics.catalog import CATALOG, Metric
from perf_pipeline.store.ledger_sql import FROM_LEDGER
from perf_pipeline.store.metric_sql import FROM_FIGURES, FROM_READINGS, FROM_VUS
from perf_pipeline.store.records import OF_KEY, RunKey

_DONE: Final = f"select distinct protocol, operation from sample_kinds where {OF_KEY}"
_NAMES: Final = f"""
select distinct name from readings where {OF_KEY}
union select distinct name from figures where {OF_KEY}
"""
_HAS_LEDGER: Final = f"select exists (from ledger where {OF_KEY})"


def metrics_of(connection: duckdb.DuckDBPyConnection, key: RunKey) -> list[Metric]:
    """List the metrics of the catalog that may have values, in its order; none that has is missing.

    Args:
        connection: to the history.
        key: a benchmark with its raw rows.
    """
    done = connection.execute(_DONE, key.parameters).fetchall()
    names = {name for (name,) in connection.execute(_NAMES, key.parameters).fetchall()}
    (has_ledger,) = connection.execute(_HAS_LEDGER, key.parameters).fetchone() or (False,)

    def is_possible(metric: Metric) -> bool:
        if metric.source is not None:
            return _feeds(metric, done)
        if metric.name in FROM_FIGURES | FROM_READINGS | FROM_VUS:
            return metric.name in names
        return metric.name not in FROM_LEDGER or bool(has_ledger)

    return [metric for metric in CATALOG.values() if is_possible(metric)]


def _feeds(metric: Metric, done: Iterable[tuple[str, str]]) -> bool:
    source = metric.source
    assert source is not None
    return any(
        source.protocol in {"", protocol}
        and (not source.operations or operation in source.operations)
        for protocol, operation in done
    )
