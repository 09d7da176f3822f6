"""The benchmark that produces messages at planned rates, and then as fast as possible.

Add here: another fact about this benchmark. Keep out: its numbers (profiles/*.toml).
"""

from collections.abc import Iterator
from typing import Final

from perf_pipeline.benchmarks.database_benchmark import DATABASE_BENCHMARK
from perf_pipeline.benchmarks.evidence import Evidence, held_rate
from perf_pipeline.benchmarks.record import BeforeLoad, Benchmark, Lag, Leading, Part
from perf_pipeline.metrics.sample import Figure


def produce_rates(evidence: Evidence) -> Iterator[Figure]:
    """Return the rate that each scenario sustained, and its share of the planned rate."""
    for span in evidence.spans:
        rate = held_rate(evidence, span)
        if rate is None:
            continue
        yield Figure("produce_rate", rate, span.scenario)
        planned = evidence.scenarios[span.scenario].planned_per_s
        if planned:
            yield Figure("produce_rate_ratio", rate / planned, span.scenario)


QUEUE_PRODUCE: Final = Benchmark(
    name="queue_produce",
    group="queue",
    kinds=frozenset({"kafka"}),
    summary=(
        "Produce at 12/s, 100/s and 1,000/s, idempotent and transactional, and then as fast as "
        "possible."
    ),
    description="The rate is counted by delivery reports and commits, not by calls; the "
    "consumer's position is fixed before the first message.",
    after=DATABASE_BENCHMARK.name,
    needs=frozenset({Part.BROKERS}),
    before_load=(BeforeLoad.CONSUMER_POSITION,),
    lag=Lag.OWN,
    figures=produce_rates,
    leading=Leading("message_delivery_duration", "message_deliveries", "message_delivery_failed"),
    is_saturating=True,
)
