"""The asset of the benchmark database_benchmark.

Add here: nothing but its labels. Keep out: what it does (loading/, workloads/).
Dagster concept: assets, https://docs.dagster.io/guides/build/assets
"""

import dagster as dg

from perf_pipeline.defs.benchmark import labels, measured
from perf_pipeline.defs.resources import PerfRun


@dg.asset(deps=["api_mixed_operations"], **labels("database", "postgres"))
def database_benchmark(perf_run: PerfRun) -> dg.MaterializeResult:
    """Insert, select (without and with index), update and soft-delete users in PostgreSQL.

    One step after the other, each with records/s and latency percentiles, over the server's own
    counters: deadlocks, lock waits, temporary files, cache hits, connections.
    """
    return measured(perf_run, "database_benchmark")
