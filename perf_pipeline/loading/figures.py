"""What a benchmark works out after its load: rates over true spans, lost messages, headroom.

Add here: a figure of a benchmark, in its function. Keep out: percentiles (store/ has them from the
samples).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.executors import ConstantArrivalRate
from perf_pipeline.config.parameters import TransactionParameters
from perf_pipeline.config.profile import BenchmarkConfig, Scenario
from perf_pipeline.metrics.sample import Figure
from perf_pipeline.store.records import LedgerCounts, ScenarioCounts
from perf_pipeline.store.spool_figures import Backlog, SpanFigures
from perf_pipeline.store.spool_stages import StageFigures
from perf_pipeline.units import SECONDS_PER_DAY, US_PER_S

TARGET_PER_DAY: Final = 1_000_000
HOLDS_BELOW_ERROR_RATIO: Final = 0.01


@dataclass(frozen=True, slots=True)
class Evidence:
    """Hold what figures are worked out from.

    Attributes:
        config: of the benchmark.
        counts: iterations and measured window of each scenario.
        spans: records and times of each scenario and operation, measured phase only.
        ledger: messages by id; None when no ledger was kept or deliveries are unknown.
        backlog: messages that waited before the load, by id.
        stages: where the slowest messages spent their time.
    """

    config: BenchmarkConfig
    counts: Mapping[str, ScenarioCounts]
    spans: tuple[SpanFigures, ...]
    ledger: LedgerCounts | None
    backlog: Backlog
    stages: StageFigures = field(default_factory=StageFigures)


def figures_of(benchmark: str, evidence: Evidence) -> list[Figure]:
    """Work out a benchmark's figures; a figure without data is absent, never zero."""
    return list(_FIGURES.get(benchmark, _none)(evidence))


def write_figures(path: Path, figures: Iterable[Figure]) -> None:
    """Write figures.csv (FIGURE_COLUMNS)."""
    lines = ["name,value,scenario,operation"]
    lines += [f"{one.name},{one.value!r},{one.scenario},{one.operation}" for one in figures]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _none(_: Evidence) -> Iterator[Figure]:
    return iter(())


def _database(evidence: Evidence) -> Iterator[Figure]:
    for span in evidence.spans:
        if span.records and span.records_per_s is not None:
            yield Figure("db_records_per_s", span.records_per_s, span.scenario, span.operation)


def _produce(evidence: Evidence) -> Iterator[Figure]:
    for span in evidence.spans:
        scenario = evidence.config.scenarios[span.scenario]
        rate = _held_rate(span, evidence.counts[span.scenario], scenario)
        if rate is None:
            continue
        yield Figure("produce_rate", rate, span.scenario)
        planned = planned_per_s(scenario)
        if planned:
            yield Figure("produce_rate_ratio", rate / planned, span.scenario)


def _consume(evidence: Evidence) -> Iterator[Figure]:
    for span in evidence.spans:
        if span.operation == "consume" and span.records and span.records_per_s is not None:
            vus = evidence.config.scenarios[span.scenario].plan.most_vus
            yield Figure("consume_rate", span.records_per_s, span.scenario)
            busy = span.busy_us / US_PER_S / (vus * span.span_s)
            yield Figure("consumer_utilisation_ratio", busy, span.scenario)
            yield from _backlog(evidence.backlog, span)
        elif span.operation == "consume_batch" and span.records and span.records_per_s:
            yield Figure("consume_rate", span.records_per_s, span.scenario)
    yield from _ledger(evidence)


def _backlog(backlog: Backlog, span: SpanFigures) -> Iterator[Figure]:
    if not backlog.messages:
        return
    yield Figure("backlog_messages", float(backlog.messages), span.scenario)
    if not backlog.left and backlog.done_us is not None:
        drained_s = (backlog.done_us - span.first_started_us) / US_PER_S
        yield Figure("backlog_drain_s", drained_s, span.scenario)


def _ledger(evidence: Evidence) -> Iterator[Figure]:
    if evidence.ledger is None or evidence.ledger.expected == 0:
        return
    yield Figure("messages_expected", float(evidence.ledger.expected))
    yield Figure("messages_lost", float(evidence.ledger.lost))
    yield Figure("messages_duplicated", float(evidence.ledger.duplicated))


def _delivered(evidence: Evidence) -> Iterator[Figure]:
    yield from _ledger(evidence)
    for stage, mean_ms in evidence.stages.tail_ms.items():
        yield Figure("stage_tail", mean_ms, operation=stage)
    if evidence.stages.saturation_ratio is not None:
        yield Figure("worker_saturation_ratio", evidence.stages.saturation_ratio)


def _day(evidence: Evidence) -> Iterator[Figure]:
    yield from _delivered(evidence)
    best = 0.0
    for span in evidence.spans:
        counts = evidence.counts[span.scenario]
        rate = _held_rate(span, counts, evidence.config.scenarios[span.scenario])
        if rate is None:
            continue
        yield Figure("produce_rate", rate, span.scenario)
        if span.scenario == "sustained":
            yield Figure("messages_per_day", rate * SECONDS_PER_DAY)
        held = span.failed <= HOLDS_BELOW_ERROR_RATIO * span.count and not counts.dropped_iterations
        best = max(best, rate if held else 0.0)
    lost = evidence.ledger.lost if evidence.ledger else 0
    if best and not lost:
        yield Figure("headroom_ratio", best * SECONDS_PER_DAY / TARGET_PER_DAY)


def _held_rate(span: SpanFigures, counts: ScenarioCounts, scenario: Scenario) -> float | None:
    """Give good records per second that the system kept up.

    With a planned rate: that rate times the share of planned starts that went well, because a
    window of n periods can hold n + 1 starts. An answer after the window's end makes the rate
    smaller: what is confirmed late is not kept up.
    """
    window_us = counts.measured_until_us - counts.measured_from_us
    elapsed_us = max(counts.measured_until_us, span.last_ended_us) - counts.measured_from_us
    if not span.records or window_us <= 0:
        return None
    planned = planned_per_s(scenario)
    if planned is None:
        return span.records * US_PER_S / elapsed_us
    starts = span.count + (counts.dropped_iterations or 0)
    good_ratio = span.records / (starts * records_per_start(scenario))
    return planned * good_ratio * window_us / elapsed_us


def records_per_start(scenario: Scenario) -> int:
    """Give how many messages one start moves when it goes well."""
    parameters = scenario.parameters
    if isinstance(parameters, TransactionParameters):
        return parameters.messages_per_transaction
    return 1


def planned_per_s(scenario: Scenario) -> float | None:
    """Give the rate of messages that a constant arrival rate plans; None for other executors."""
    if not isinstance(scenario.plan, ConstantArrivalRate):
        return None
    starts = scenario.plan.rate * US_PER_S / scenario.plan.time_unit_us
    return starts * records_per_start(scenario)


_FIGURES: Final[Mapping[str, Callable[[Evidence], Iterator[Figure]]]] = MappingProxyType(
    {
        "api_user_creation": _none,
        "api_mixed_operations": _none,
        "database_benchmark": _database,
        "queue_produce": _produce,
        "queue_consume": _consume,
        "end_to_end": _delivered,
        "day_simulation": _day,
    }
)
