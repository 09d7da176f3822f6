"""Find the slowest traced requests of a run, with links to the target's tracing system.

Add here: another link from a request to what a system reports about it. Keep out: showing them
(report/slow_requests.py).
"""

from collections.abc import Iterator

from perf_pipeline.config.tracing import TRACE_ID
from perf_pipeline.judging.ingest import profile_of
from perf_pipeline.report.slow_requests import SlowRequest
from perf_pipeline.store.history import History
from perf_pipeline.store.slow_traces import slow_traces
from perf_pipeline.units import US_PER_S


def slow_requests_of(history: History, run_id: str) -> Iterator[SlowRequest]:
    """Yield the slowest sampled requests of each operation, the slowest first.

    The links lead to the tracing system of the run's own target, whichever profile judges it.
    """
    profile = profile_of(history, run_id)
    target = profile.targets.get(profile.target)
    page = (target.trace_url if target else None) or ""
    for benchmark, traced in slow_traces(history, run_id):
        yield SlowRequest(
            benchmark=benchmark,
            operation=traced.operation,
            position=traced.position,
            service_ms=traced.service_ms,
            after_s=traced.started_us / US_PER_S,
            status=traced.error or str(traced.status),
            trace_id=traced.trace_id,
            url=page.replace(TRACE_ID, traced.trace_id),
        )
