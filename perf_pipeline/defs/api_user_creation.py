"""The asset of the benchmark api_user_creation.

Add here: nothing but its labels. Keep out: what it does (runs/, workloads/).
Dagster concept: assets, https://docs.dagster.io/guides/build/assets
"""

import dagster as dg

from perf_pipeline.defs.benchmark import labels, measured
from perf_pipeline.defs.resources import PerfRun


@dg.asset(deps=["seeded_users"], **labels("api", "http"))
def api_user_creation(perf_run: PerfRun) -> dg.MaterializeResult:
    """Create users with a ramping number of virtual users (closed model)."""
    return measured(perf_run, "api_user_creation")
