"""Read the series of comparable runs: those with the same benchmark, load, profile and environment.

They are read once, in one statement, and shared by the comparison, the history pass, trends and the
search for the tier that causes a latency.
Add here: another view of these series. Keep out: statistics (analysis/) and SQL (store/).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from perf_pipeline.analysis.baseline import Series
from perf_pipeline.analysis.machine import Machine
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.ahead import MOST_POINTS
from perf_pipeline.judging.machines import CALIBRATION, machines_over
from perf_pipeline.judging.series import MeasuredBenchmark, pinned_series_of, series_in
from perf_pipeline.judging.stage_series import stage_series
from perf_pipeline.store.comparison_rows import SeriesPoint
from perf_pipeline.store.history import History
from perf_pipeline.store.records import RunRecord
from perf_pipeline.store.series import OverRuns, SeriesName
from perf_pipeline.store.tags_text import tags_text


@dataclass(frozen=True, slots=True)
class Past:
    """Hold the series, with at most the newest 300 points each.

    Attributes:
        series: the figures over runs.
        machines: for each benchmark, the calibrations of the load machine by run.
    """

    series: Mapping[SeriesName, OverRuns]
    machines: Mapping[str, Mapping[str, Machine]] = field(default_factory=dict)

    def before(self, measured: MeasuredBenchmark, series: Series) -> Sequence[SeriesPoint]:
        """Return a series over the runs that were made before this run, oldest first."""
        return self.series[_name(measured, series)].before

    def whole(self, measured: MeasuredBenchmark, series: Series) -> Sequence[SeriesPoint]:
        """Return a series over all runs, including later ones, oldest first."""
        return self.series[_name(measured, series)].whole

    def calibrated(self, measured: Iterable[MeasuredBenchmark]) -> "Past":
        """Add the calibrations of the load machine for some benchmarks, which were also read."""
        return replace(self, machines=_machines(self.whole, measured))


def past_of(history: History, measured: Sequence[MeasuredBenchmark], profile: Profile) -> Past:
    """Read everything by which the benchmarks of one run are compared.

    Args:
        history: the open history.
        measured: the benchmarks of the run.
        profile: the profile that judges.
    """
    if not measured:
        return Past({})
    wanted = [
        (benchmark, series)
        for benchmark in measured
        for series in (
            *series_in(profile, benchmark),
            *(series for _, series in pinned_series_of(profile, benchmark.outcome.benchmark)),
            *CALIBRATION,
            *stage_series(benchmark.summaries.values()),
        )
    ]
    run = measured[0].run
    past = read_past(history, run, wanted, before=run.run_id)
    return replace(past, machines=_machines(past.before, measured))


def read_past(
    history: History,
    run: RunRecord,
    wanted: Iterable[tuple[MeasuredBenchmark, Series]],
    *,
    before: str | None = None,
) -> Past:
    """Read any series over the runs that are comparable with one run.

    Args:
        history: the open history.
        run: the run whose profile, environment and line of code the others share.
        wanted: the series, each with the benchmark whose load it has.
        before: the run for `Past.before`; None if there is none.
    """
    return Past(
        history.series(
            [_name(measured, series) for measured, series in wanted],
            profile=run.profile,
            environment_id=run.environment_id,
            before=before,
            limit=MOST_POINTS,
            left_out=history.asked.runs_of_other_lines(run.run_id),
        )
    )


def is_like(run: RunRecord, other: RunRecord) -> bool:
    """Say whether two runs share profile and environment, so that their figures are comparable."""
    return (run.profile, run.environment_id) == (other.profile, other.environment_id)


def _machines(
    points_of: Callable[[MeasuredBenchmark, Series], Sequence[SeriesPoint]],
    measured: Iterable[MeasuredBenchmark],
) -> dict[str, dict[str, Machine]]:
    return {
        benchmark.outcome.benchmark: machines_over(partial(points_of, benchmark))
        for benchmark in measured
    }


def _name(measured: MeasuredBenchmark, series: Series) -> SeriesName:
    return SeriesName(
        measured.outcome.benchmark,
        measured.outcome.load_hash,
        series.metric,
        tags_text(series.tags),
        series.statistic,
    )
