"""The asset of the benchmark api_user_creation.

Add here: nothing but its labels. Keep out: what it does (loading/, workloads/).
Dagster concept: assets, https://docs.dagster.io/guides/build/assets
"""

import dagster as dg

from perf_pipeline.defs.benchmark import labels, measured
from perf_pipeline.defs.resources import PerfRun


@dg.asset(deps=["seeded_users"], **labels("api", "http"))
def api_user_creation(perf_run: PerfRun) -> dg.MaterializeResult:
    """Create users with a ramping number of virtual users (closed model, think time between).

    `POST /user`; each response is checked for status, id, email and duration. Promises: median,
    p95, p99, failed requests, success rate and throughput.
    """
    return measured(perf_run, "api_user_creation")
