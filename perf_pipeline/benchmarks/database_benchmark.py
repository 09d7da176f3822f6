"""The benchmark that loads PostgreSQL directly, one kind of statement after the other.

Add here: another fact about this benchmark. Keep out: its numbers (profiles/*.toml).
"""

from collections.abc import Iterator
from typing import Final

from perf_pipeline.benchmarks.api_mixed_operations import API_MIXED_OPERATIONS
from perf_pipeline.benchmarks.evidence import Evidence
from perf_pipeline.benchmarks.record import AfterLoad, BeforeLoad, Benchmark, Lag, Leading, Part
from perf_pipeline.metrics.sample import Figure


def records_per_s(evidence: Evidence) -> Iterator[Figure]:
    """Return rows per second for each kind of statement, over its own time span."""
    for span in evidence.spans:
        if span.records and span.records_per_s is not None:
            yield Figure("db_records_per_s", span.records_per_s, span.scenario, span.operation)


DATABASE_BENCHMARK: Final = Benchmark(
    name="database_benchmark",
    group="database",
    kinds=frozenset({"postgres"}),
    summary="Insert, select (without and with index), update, delete and copy users in PostgreSQL.",
    description=(
        "The steps run one after the other, each with records/s and latency percentiles. Meanwhile "
        "the server's own counters are read: deadlocks, lock waits, temporary files, cache hits, "
        "connections."
    ),
    after=API_MIXED_OPERATIONS.name,
    needs=frozenset({Part.POSTGRES}),
    before_load=(BeforeLoad.SEEDED_USERS,),
    after_load=(AfterLoad.BIRTHDAY_INDEX,),
    lag=Lag.NOBODY,
    figures=records_per_s,
    leading=Leading("db_query_duration", "db_queries", "db_query_failed"),
    is_saturating=True,
)
