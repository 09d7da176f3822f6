"""The benchmark that consumes produced messages from a position that was fixed before.

Add here: another fact about this benchmark. Keep out: its numbers (profiles/*.toml).
"""

from collections.abc import Iterator
from typing import Final

from perf_pipeline.benchmarks.evidence import Evidence, messages_by_id
from perf_pipeline.benchmarks.queue_produce import QUEUE_PRODUCE
from perf_pipeline.benchmarks.record import BeforeLoad, Benchmark, Lag, Leading, LedgerKind, Part
from perf_pipeline.metrics.sample import Figure
from perf_pipeline.metrics.totals import Backlog, SpanFigures
from perf_pipeline.units import US_PER_S


def consume_rates(evidence: Evidence) -> Iterator[Figure]:
    """Return each consumer's rate and utilisation, the time for its backlog, and lost messages."""
    for span in evidence.spans:
        if span.operation == "consume" and span.records and span.records_per_s is not None:
            vus = evidence.scenarios[span.scenario].most_vus
            yield Figure("consume_rate", span.records_per_s, span.scenario)
            busy = span.busy_us / US_PER_S / (vus * span.span_s)
            yield Figure("consumer_utilisation_ratio", busy, span.scenario)
            yield from _backlog(evidence.backlog, span)
        elif span.operation == "consume_batch" and span.records and span.records_per_s:
            yield Figure("consume_rate", span.records_per_s, span.scenario)
    yield from messages_by_id(evidence)


def _backlog(backlog: Backlog, span: SpanFigures) -> Iterator[Figure]:
    if not backlog.messages:
        return
    yield Figure("backlog_messages", float(backlog.messages), span.scenario)
    if not backlog.left and backlog.done_us is not None:
        drained_s = (backlog.done_us - span.first_started_us) / US_PER_S
        yield Figure("backlog_drain_s", drained_s, span.scenario)


QUEUE_CONSUME: Final = Benchmark(
    name="queue_consume",
    group="queue",
    kinds=frozenset({"kafka"}),
    summary=(
        "Consume what was produced, from a position that was fixed before; measure rate, lag, lost "
        "and duplicate messages."
    ),
    description=(
        "Consumer lag is the high watermark minus the committed offset, per partition; lost and "
        "duplicate messages are found by their ids."
    ),
    after=QUEUE_PRODUCE.name,
    needs=frozenset({Part.BROKERS}),
    before_load=(BeforeLoad.KEPT_POSITION,),
    lag=Lag.OWN,
    ledger=LedgerKind.OWN_CONSUMER,
    backlog_of=QUEUE_PRODUCE.name,
    figures=consume_rates,
    leading=Leading("message_processing_duration", "messages_consumed", "errors"),
    again_with=(QUEUE_PRODUCE.name,),
    is_saturating=True,
)
