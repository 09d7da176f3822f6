"""Gather the evidence for a benchmark's figures, and write the figures.

Add here: something that figures need to know about the plan. Keep out: the figures of a benchmark
(benchmarks/), and percentiles, which store/ works out from the samples.
"""

from collections.abc import Iterable
from pathlib import Path

from perf_pipeline.benchmarks.evidence import Evidence, ScenarioEvidence
from perf_pipeline.benchmarks.registry import record_of
from perf_pipeline.config.own_topics import OwnProduceParameters
from perf_pipeline.config.parameters import TransactionParameters
from perf_pipeline.config.profile import BenchmarkConfig
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.metrics.sample import Figure
from perf_pipeline.metrics.totals import Backlog, LedgerCounts, SpanFigures, StageFigures
from perf_pipeline.plan.arrivals import steady_rate_per_s
from perf_pipeline.store.records import ScenarioCounts
from perf_pipeline.store.spool_stages import stages_from_spool


def evidence_of(
    config: BenchmarkConfig,
    counts: Iterable[ScenarioCounts],
    spans: Iterable[SpanFigures],
    ledger: LedgerCounts | None,
    backlog: Backlog,
    stages: StageFigures,
) -> Evidence:
    """Combine the plan with what was measured.

    Args:
        config: the configuration of the benchmark.
        counts: iterations and measured window of each scenario that ran.
        spans: records and times of each scenario and operation, measured phase only.
        ledger: messages by id; None if no ledger was kept or deliveries are unknown.
        backlog: messages that waited before the load, by id.
        stages: the stages in which the slowest messages spent their time.
    """
    scenarios = {
        scenario.name: _scenario(config.scenarios[scenario.name], scenario) for scenario in counts
    }
    return Evidence(scenarios, tuple(spans), ledger, backlog, stages)


def figures_of(benchmark: str, evidence: Evidence) -> list[Figure]:
    """Work out a benchmark's figures; a figure without data is absent and never zero."""
    return list(record_of(benchmark).figures(evidence))


def stages_of(folder: Path, counts: Iterable[ScenarioCounts]) -> StageFigures:
    """Work out the stages' figures over the measured window of all scenarios."""
    windows = [(scenario.measured_from_us, scenario.measured_until_us) for scenario in counts]
    if not windows:
        return StageFigures()
    begins, ends = zip(*windows, strict=True)
    return stages_from_spool(folder, min(begins), max(ends))


def write_figures(path: Path, figures: Iterable[Figure]) -> None:
    """Write figures.csv (FIGURE_COLUMNS)."""
    lines = ["name,value,scenario,operation"]
    lines += [
        f"{figure.name},{figure.value!r},{figure.scenario},{figure.operation}" for figure in figures
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _scenario(scenario: Scenario, counts: ScenarioCounts) -> ScenarioEvidence:
    return ScenarioEvidence(
        most_vus=scenario.plan.most_vus,
        planned_per_s=planned_per_s(scenario),
        records_per_start=records_per_start(scenario),
        dropped_iterations=counts.dropped_iterations,
        measured_from_us=counts.measured_from_us,
        measured_until_us=counts.measured_until_us,
    )


def records_per_start(scenario: Scenario) -> int:
    """Return how many messages one start moves when it goes well."""
    parameters = scenario.parameters
    if isinstance(parameters, TransactionParameters):
        return parameters.messages_per_transaction
    if isinstance(parameters, OwnProduceParameters):
        return parameters.transaction or 1
    return 1


def planned_per_s(scenario: Scenario) -> float | None:
    """Return the rate of messages that a constant arrival rate plans; None for other executors."""
    starts = steady_rate_per_s(scenario.plan)
    return None if starts is None else starts * records_per_start(scenario)
