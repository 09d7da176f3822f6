"""The benchmark that uses Redis as an API does: read through, fill on a miss, keep warm by reads.

Add here: another fact about this benchmark. Keep out: its numbers (profiles/*.toml).
"""

from collections.abc import Iterator
from typing import Final

from perf_pipeline.benchmarks.database_benchmark import DATABASE_BENCHMARK
from perf_pipeline.benchmarks.evidence import Evidence
from perf_pipeline.benchmarks.record import Benchmark, Lag, Leading, Part
from perf_pipeline.metrics.sample import Figure


def operations_per_s(evidence: Evidence) -> Iterator[Figure]:
    """Return the commands per second that Redis answered, for each kind over its own time span."""
    for span in evidence.spans:
        answered = span.count - span.failed
        if answered and span.span_s > 0:
            rate = answered / span.span_s
            yield Figure("cache_ops_per_s", rate, span.scenario, span.operation)


CACHE_BENCHMARK: Final = Benchmark(
    name="cache_benchmark",
    group="cache",
    kinds=frozenset({"redis"}),
    summary="Read users through Redis: GET, then EXPIRE on a hit and SET on a miss.",
    description=(
        "Measures the hit ratio, commands per second and the latency of each command, at a planned "
        "rate. Keys and bodies are like the API's, in a namespace of the run's own. A system "
        "without Redis is measured without this benchmark, and the run says so."
    ),
    after=DATABASE_BENCHMARK.name,
    needs=frozenset({Part.REDIS}),
    is_optional=True,
    lag=Lag.NOBODY,
    figures=operations_per_s,
    leading=Leading("cache_op_duration", "cache_ops", "cache_op_failed"),
)
