"""The asset of the benchmark end_to_end.

Add here: nothing but its labels. Keep out: what it does (loading/, workloads/).
Dagster concept: assets, https://docs.dagster.io/guides/build/assets
"""

import dagster as dg

from perf_pipeline.defs.benchmark import labels, measured
from perf_pipeline.defs.resources import PerfRun


@dg.asset(deps=["queue_consume"], **labels("system", "http", "kafka", "postgres"))
def end_to_end(perf_run: PerfRun) -> dg.MaterializeResult:
    """Follow each message from the API call's intended start to the worker's work.

    Open model: starts are planned, so a stall of the system shows as latency. Consumer lag,
    connections and locks are watched meanwhile.
    """
    return measured(perf_run, "end_to_end")
