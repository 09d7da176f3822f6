"""The evidence for a benchmark's figures, and figures that several benchmarks share.

Add here: a figure of several benchmarks. Keep out: a figure of a single benchmark (its own file),
and percentiles, which store/ works out from the samples.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from perf_pipeline.metrics.sample import Figure
from perf_pipeline.metrics.totals import Backlog, LedgerCounts, SpanFigures, StageFigures
from perf_pipeline.units import US_PER_S


@dataclass(frozen=True, slots=True)
class ScenarioEvidence:
    """Hold the plan of one scenario, and when it was measured.

    Attributes:
        most_vus: the most VUs that it can have at the same time.
        planned_per_s: records per second that a constant arrival rate plans; None for executors
            without one.
        records_per_start: how many rows or messages one start moves when it goes well.
        dropped_iterations: planned starts without a free VU; None if they could not be counted.
        measured_from_us: begin of the measured phase, µs since the benchmark's origin.
        measured_until_us: the end of the measured phase.
    """

    most_vus: int
    planned_per_s: float | None
    records_per_start: int
    dropped_iterations: int | None
    measured_from_us: int
    measured_until_us: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Hold the evidence from which figures are worked out.

    Attributes:
        scenarios: plan and measured window of each scenario, by name.
        spans: records and times of each scenario and operation, measured phase only.
        ledger: messages by id; None if no ledger was kept or deliveries are unknown.
        backlog: messages that waited before the load, by id.
        stages: the stages in which the slowest messages spent their time.
    """

    scenarios: Mapping[str, ScenarioEvidence]
    spans: tuple[SpanFigures, ...]
    ledger: LedgerCounts | None
    backlog: Backlog
    stages: StageFigures = field(default_factory=StageFigures)


def no_figures(_: Evidence) -> Iterator[Figure]:
    """Return no figures, because the samples already say everything."""
    return iter(())


def messages_by_id(evidence: Evidence) -> Iterator[Figure]:
    """Return how many messages were expected, lost and duplicated; nothing without a ledger."""
    if evidence.ledger is None or evidence.ledger.expected == 0:
        return
    yield Figure("messages_expected", float(evidence.ledger.expected))
    yield Figure("messages_lost", float(evidence.ledger.lost))
    yield Figure("messages_duplicated", float(evidence.ledger.duplicated))


def messages_delivered(evidence: Evidence) -> Iterator[Figure]:
    """Return the ledger's figures, and where the slowest messages spent their time."""
    yield from messages_by_id(evidence)
    for stage, mean_ms in evidence.stages.tail_ms.items():
        yield Figure("stage_tail", mean_ms, operation=stage)
    if evidence.stages.saturation_ratio is not None:
        yield Figure("worker_saturation_ratio", evidence.stages.saturation_ratio)


def held_rate(evidence: Evidence, span: SpanFigures) -> float | None:
    """Return the good records per second that the system sustained; None if nothing was measured.

    With a planned rate, it is that rate times the share of planned starts that went well, because a
    window of n periods can hold n + 1 starts. An answer after the window's end lowers the rate,
    because a system that confirms late does not keep up.
    """
    scenario = evidence.scenarios[span.scenario]
    window_us = scenario.measured_until_us - scenario.measured_from_us
    elapsed_us = max(scenario.measured_until_us, span.last_ended_us) - scenario.measured_from_us
    if not span.records or window_us <= 0:
        return None
    if scenario.planned_per_s is None:
        return span.records * US_PER_S / elapsed_us
    starts = span.count + (scenario.dropped_iterations or 0)
    good_ratio = span.records / (starts * scenario.records_per_start)
    return scenario.planned_per_s * good_ratio * window_us / elapsed_us
