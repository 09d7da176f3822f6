"""Sum up the loads of a benchmark's steps: counts, reasons, time and health.

Add here: another sum over the steps of a benchmark. Keep out: loading (measure.py), and figures of
what was measured (figures.py).
"""

from collections.abc import Iterable, Iterator

from perf_pipeline.engine.job import LoadOutcome, ScenarioOutcome
from perf_pipeline.store.records import ScenarioCounts
from perf_pipeline.units import US_PER_S


def counts_of(outcomes: Iterable[LoadOutcome]) -> Iterator[ScenarioCounts]:
    """Yield the counts of each scenario, with the reasons why its step is not valid."""
    for outcome in outcomes:
        reasons = tuple(reasons_of_step(outcome))
        for scenario in outcome.scenarios:
            yield _scenario_counts(scenario, reasons)


def reasons_of_step(outcome: LoadOutcome) -> Iterator[str]:
    """Say for which scenarios the load generator was the limit, and why."""
    names = _names(outcome)
    yield from (f"{names}: {reason}" for reason in outcome.health.reasons)


def notes_of_step(outcome: LoadOutcome, *, is_only: bool) -> Iterator[str]:
    """Say what was noted while the load ran, and for which scenarios where other steps follow."""
    names = "" if is_only else f"{_names(outcome)}: "
    yield from (f"{names}{note}" for note in outcome.health.notes)


def _names(outcome: LoadOutcome) -> str:
    return ", ".join(scenario.name for scenario in outcome.scenarios)


def _scenario_counts(scenario: ScenarioOutcome, reasons: tuple[str, ...]) -> ScenarioCounts:
    return ScenarioCounts(
        name=scenario.name,
        iterations=scenario.measured_iterations,
        dropped_iterations=scenario.measured_dropped_iterations,
        interrupted_iterations=scenario.interrupted_iterations,
        intended_iterations=scenario.intended_iterations,
        measured_from_us=scenario.measured_from_us,
        measured_until_us=scenario.measured_until_us,
        invalid_reasons=reasons,
        incomplete_iterations=scenario.measured_incomplete_iterations,
    )


def measured_s(counts: Iterable[ScenarioCounts]) -> float:
    """Sum up the time in which anything was measured; overlapping windows count once."""
    windows = sorted((scenario.measured_from_us, scenario.measured_until_us) for scenario in counts)
    total_us, reached_us = 0, 0
    for begin_us, end_us in windows:
        total_us += max(0, end_us - max(begin_us, reached_us))
        reached_us = max(reached_us, end_us)
    return total_us / US_PER_S


def worst_health(outcomes: Iterable[LoadOutcome]) -> dict[str, float]:
    """Return the largest value of each figure over the steps."""
    worst: dict[str, float] = {}
    for outcome in outcomes:
        for name, value in outcome.health.figures.items():
            worst[name] = max(value, worst.get(name, value))
    return worst
