"""The asset of the benchmark day_simulation.

Add here: nothing but its labels. Keep out: what it does (loading/, workloads/).
Dagster concept: assets, https://docs.dagster.io/guides/build/assets
"""

import dagster as dg

from perf_pipeline.defs.benchmark import labels, measured
from perf_pipeline.defs.resources import PerfRun


@dg.asset(deps=["end_to_end"], **labels("system", "http", "kafka", "postgres"))
def day_simulation(perf_run: PerfRun) -> dg.MaterializeResult:
    """One day in small: warm-up, 12/s sustained, 120/s peak, cool-down.

    Says how many messages a day the measured run stands for, and how far that is from 1,000,000.
    """
    return measured(perf_run, "day_simulation")
