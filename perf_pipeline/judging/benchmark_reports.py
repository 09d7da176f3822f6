"""Put together from the history what reports show about each benchmark of a run.

Add here: another fact about a benchmark. Keep out: facts about the whole run (publish.py), and
layout (report/).
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

from perf_pipeline.config.check_names import thresholds_of
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.capacities import capacities_of
from perf_pipeline.judging.course import Course, courses_of
from perf_pipeline.judging.evidence import summaries_by_benchmark
from perf_pipeline.judging.expected import Missing, in_plan_order
from perf_pipeline.judging.fault_stories import fault_stories
from perf_pipeline.judging.ingest import profile_of
from perf_pipeline.judging.judge import spoilt_scenarios, verdicts_by_benchmark
from perf_pipeline.judging.scalings import scalings_of
from perf_pipeline.judging.spreads import distributions_by_benchmark
from perf_pipeline.metrics.faults import FaultRecord
from perf_pipeline.metrics.growth import GrowthRecord
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Verdict
from perf_pipeline.report.capacity_texts import CapacityReport
from perf_pipeline.report.distribution import Distribution
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, Origin
from perf_pipeline.report.scaling_texts import ScalingReport
from perf_pipeline.store.fault_rows import faults_of
from perf_pipeline.store.growth_rows import growth_of
from perf_pipeline.store.history import History
from perf_pipeline.store.records import BenchmarkOutcome, RunRecord
from perf_pipeline.store.state import State

_STATUS: Final = MappingProxyType(
    {
        "complete": BenchmarkStatus.COMPLETED,
        "stopped": BenchmarkStatus.STOPPED,
        "aborted": BenchmarkStatus.FAILED,
        "abort_on_fail": BenchmarkStatus.ABORTED,
    }
)
_Found: TypeAlias = tuple[CapacityReport | None, ScalingReport | None]
_NOTHING: Final[_Found] = (None, None)


def benchmark_reports(
    history: History,
    run: RunRecord,
    profile: Profile,
    verdicts: Mapping[str, list[Verdict]],
    missing: Mapping[str, Missing],
    origins: Sequence[Origin],
) -> Iterator[BenchmarkReport]:
    """Report every planned benchmark in order, whether it ran or not, then any others."""
    summaries = summaries_by_benchmark(history, run.run_id)
    courses = courses_of(history, run.run_id, profile_of(history, run.run_id))
    outcomes = {outcome.benchmark: outcome for outcome in history.outcomes(run.run_id)}
    faults = faults_of(history, run.run_id)
    grown = growth_of(history, run.run_id)
    spreads = distributions_by_benchmark(history, run.run_id, outcomes, origins)
    found = _found(history, run.run_id)
    for name in in_plan_order(run.planned or (), (*outcomes, *missing)):
        if name in outcomes:
            yield _benchmark(
                outcomes[name],
                verdicts.get(name, []),
                summaries.get(name, []),
                courses.get(name, Course()),
                spreads.get(name, ()),
                faults.get(name, ()),
                grown.get(name, ()),
                found.get(name, _NOTHING),
            )
        else:
            yield missing[name].report(thresholds_of(profile, name))


def report_of_benchmark(state: State, run_id: str, benchmark: str) -> BenchmarkReport:
    """Report one stored and judged benchmark, while others of its run may still be in progress.

    Raises:
        StoreBusyError: the history is open elsewhere.
    """
    with state.history() as history:
        [outcome] = [found for found in history.outcomes(run_id) if found.benchmark == benchmark]
        courses = courses_of(history, run_id, profile_of(history, run_id))
        return _benchmark(
            outcome,
            verdicts_by_benchmark(history, run_id).get(benchmark, []),
            summaries_by_benchmark(history, run_id).get(benchmark, []),
            courses.get(benchmark, Course()),
            (),
            faults_of(history, run_id).get(benchmark, ()),
            growth_of(history, run_id).get(benchmark, ()),
            _found(history, run_id).get(benchmark, _NOTHING),
        )


def _found(history: History, run_id: str) -> Mapping[str, _Found]:
    """Return the results of a run's searches by benchmark: a capacity, or how it scales."""
    profile = profile_of(history, run_id)
    capacities = capacities_of(history, run_id, profile)
    scalings = scalings_of(history, run_id, profile)
    return {
        **{name: (capacity, None) for name, capacity in capacities.items()},
        **{name: (None, scaling) for name, scaling in scalings.items()},
    }


def _benchmark(
    outcome: BenchmarkOutcome,
    verdicts: list[Verdict],
    summaries: list[Summary],
    course: Course,
    distributions: tuple[Distribution, ...],
    faults: Sequence[FaultRecord],
    growth: Sequence[GrowthRecord],
    found: _Found,
) -> BenchmarkReport:
    spoilt = spoilt_scenarios(outcome, verdicts)
    return BenchmarkReport(
        name=outcome.benchmark,
        status=BenchmarkStatus.NOT_RUN if outcome.could_not_begin else _STATUS[outcome.status],
        wall_s=outcome.wall_s,
        measured_s=outcome.measured_s,
        valid=outcome.valid or bool(spoilt),
        invalid_reasons=() if spoilt else tuple(outcome.invalid_reasons),
        verdicts=tuple(verdicts),
        summaries=tuple(summaries),
        problems=(*spoilt, *outcome.problems),
        series=course.series,
        failures=course.failures,
        distributions=distributions,
        measured_between_s=course.measured_s,
        faults=fault_stories(faults, summaries),
        growth=tuple(growth),
        capacity=found[0],
        scaling=found[1],
    )
