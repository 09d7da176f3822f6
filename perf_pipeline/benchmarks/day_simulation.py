"""The benchmark of one day in miniature, which shows how many messages a day are carried.

Add here: another fact about this benchmark. Keep out: its numbers (profiles/*.toml).
"""

from collections.abc import Iterator
from typing import Final

from perf_pipeline.benchmarks.end_to_end import END_TO_END
from perf_pipeline.benchmarks.evidence import Evidence, held_rate, messages_delivered
from perf_pipeline.benchmarks.record import TARGET_PER_DAY, Benchmark, LedgerKind, Part
from perf_pipeline.metrics.sample import Figure
from perf_pipeline.units import SECONDS_PER_DAY

HOLDS_BELOW_ERROR_RATIO: Final = 0.01
_SUSTAINED: Final = "sustained"


def carried_in_a_day(evidence: Evidence) -> Iterator[Figure]:
    """Return the messages in 24 h at the sustained rate, and the headroom of the best rate.

    There is no headroom if messages were lost, or if nobody knows whether they were.
    """
    yield from messages_delivered(evidence)
    best = 0.0
    for span in evidence.spans:
        rate = held_rate(evidence, span)
        if rate is None:
            continue
        yield Figure("produce_rate", rate, span.scenario)
        if span.scenario == _SUSTAINED:
            yield Figure("messages_per_day", rate * SECONDS_PER_DAY)
        dropped = evidence.scenarios[span.scenario].dropped_iterations
        held = span.failed <= HOLDS_BELOW_ERROR_RATIO * span.count and not dropped
        best = max(best, rate if held else 0.0)
    ledger = evidence.ledger
    arrived = ledger is not None and ledger.expected and not ledger.lost
    if best and arrived:
        yield Figure("headroom_ratio", best * SECONDS_PER_DAY / TARGET_PER_DAY)


DAY_SIMULATION: Final = Benchmark(
    name="day_simulation",
    group="system",
    kinds=frozenset({"http", "kafka", "postgres"}),
    summary="Run one day in miniature: warm-up, 12/s sustained, 120/s peak, cool-down.",
    description="Says how many messages a day the measured run stands for, and how far that is "
    "from 1,000,000.",
    after=END_TO_END.name,
    needs=frozenset({Part.API}),
    ledger=LedgerKind.SYSTEM,
    figures=carried_in_a_day,
    simulates_a_day=True,
)
