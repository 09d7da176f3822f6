"""The asset of the benchmark queue_consume.

Add here: nothing but its labels. Keep out: what it does (loading/, workloads/).
Dagster concept: assets, https://docs.dagster.io/guides/build/assets
"""

import dagster as dg

from perf_pipeline.defs.benchmark import labels, measured
from perf_pipeline.defs.resources import PerfRun


@dg.asset(deps=["queue_produce"], **labels("queue", "kafka"))
def queue_consume(perf_run: PerfRun) -> dg.MaterializeResult:
    """Consume what was produced, from a position fixed before: rate, lag, lost, duplicates.

    Lag is high watermark - committed offset, per partition; lost and duplicate messages are told
    by message id.
    """
    return measured(perf_run, "queue_consume")
