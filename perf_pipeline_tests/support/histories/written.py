"""Write rows of a benchmark as a run does, in a transaction of their own.

Add here: other rows that several tests write. Keep out: whole runs (spool.py).
"""

from collections.abc import Iterable

import duckdb

from perf_pipeline.metrics.summary import Summary
from perf_pipeline.store.ingest import transaction
from perf_pipeline.store.proof import seal
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.tables import put_summaries


def write_summaries(
    connection: duckdb.DuckDBPyConnection, key: RunKey, summaries: Iterable[Summary]
) -> None:
    """Replace the summaries of a benchmark, and seal them.

    Raises:
        ValueError: a metric is summarised twice under the same filter.
    """
    with transaction(connection):
        put_summaries(connection, key, summaries)
        seal(connection, [key], ["summaries"])
