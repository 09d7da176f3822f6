"""The asset of the benchmark queue_produce.

Add here: nothing but its labels. Keep out: what it does (loading/, workloads/).
Dagster concept: assets, https://docs.dagster.io/guides/build/assets
"""

import dagster as dg

from perf_pipeline.defs.benchmark import labels, measured
from perf_pipeline.defs.resources import PerfRun


@dg.asset(deps=["database_benchmark"], **labels("queue", "kafka"))
def queue_produce(perf_run: PerfRun) -> dg.MaterializeResult:
    """Produce at 12/s, 100/s and 1,000/s, idempotent and transactional, then as fast as it goes.

    The rate is counted by delivery reports and commits, not by calls; the consumer's position is
    fixed before the first message.
    """
    return measured(perf_run, "queue_produce")
