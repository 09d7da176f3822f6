"""The asset of the benchmark api_mixed_operations.

Add here: nothing but its labels. Keep out: what it does (loading/, workloads/).
Dagster concept: assets, https://docs.dagster.io/guides/build/assets
"""

import dagster as dg

from perf_pipeline.defs.benchmark import labels, measured
from perf_pipeline.defs.resources import PerfRun


@dg.asset(deps=["api_user_creation"], **labels("api", "http"))
def api_mixed_operations(perf_run: PerfRun) -> dg.MaterializeResult:
    """Create, read and delete users at once, each with its own promise.

    Three scenarios side by side with their own pace; reads and deletes have ids of their own, and
    a 404 on a delete is a right answer.
    """
    return measured(perf_run, "api_mixed_operations")
