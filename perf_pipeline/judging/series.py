"""Choose the series by which runs are compared, and their runs since the last change of level.

Add here: a series that every run should be compared by. Keep out: statistics (analysis/).
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from perf_pipeline.analysis.baseline import BaselinePolicy, Series
from perf_pipeline.analysis.scale import scale_of
from perf_pipeline.analysis.window import anchor
from perf_pipeline.benchmarks.registry import is_shipped
from perf_pipeline.config.baseline_policy import PinnedBaseline
from perf_pipeline.config.check_names import thresholds_of
from perf_pipeline.config.profile import Profile
from perf_pipeline.metrics.catalog import (
    CATALOG,
    FAULT_RECOVERY_S,
    OF_EVERY_BENCHMARK,
    SCALING_CAPACITY,
    TELLS_OF_FAILURES,
    Kind,
)
from perf_pipeline.metrics.statistic import compared_statistic
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Status
from perf_pipeline.metrics.threshold_grammar import parse_key
from perf_pipeline.store.baselines import FoundBy, SeriesKey
from perf_pipeline.store.comparison_rows import SeriesPoint
from perf_pipeline.store.history import History
from perf_pipeline.store.records import BenchmarkOutcome, RunRecord
from perf_pipeline.store.rerun_ids import repeats_in
from perf_pipeline.store.tags_text import tags_text

# Every run is compared by these series, if the benchmark has them; thresholds add their own.
HEADLINES: Final = (
    ("http_req_duration", "med"),
    ("http_req_duration", "p(95)"),
    ("http_req_failed", "rate"),
    ("http_reqs", "rate"),
    ("response_time", "p(95)"),
    ("db_query_duration", "p(95)"),
    ("message_delivery_duration", "p(95)"),
    ("message_processing_duration", "p(95)"),
    ("message_latency", "med"),
    ("message_latency", "p(95)"),
    (FAULT_RECOVERY_S, "value"),
    (SCALING_CAPACITY, "value"),
    ("stage_api", "p(95)"),
    ("stage_database", "p(95)"),
    ("stage_outbox", "p(95)"),
    ("stage_queue", "p(95)"),
    ("stage_worker", "p(95)"),
    ("stage_system", "p(95)"),
)
# The same for each operation of a user's own benchmark.
OF_OPERATIONS: Final = (
    ("http_req_duration", "med"),
    ("http_req_duration", "p(95)"),
    ("http_req_failed", "rate"),
)
_MOST_OPERATIONS: Final = 50
Confirmed = Mapping[SeriesKey, Sequence[tuple[str, FoundBy]]]
"""For each series the first runs of its confirmed changes."""


@dataclass(frozen=True, slots=True)
class MeasuredBenchmark:
    """Hold one benchmark of one run with the summaries by which it is compared.

    Attributes:
        run: the run.
        outcome: the outcome of the benchmark.
        summaries: the summaries of the benchmark, by metric and tags.
    """

    run: RunRecord
    outcome: BenchmarkOutcome
    summaries: Mapping[tuple[str, str], Summary]

    @property
    def comparable(self) -> bool:
        """Say whether its figures are those of a complete and valid benchmark."""
        return self.outcome.valid and self.outcome.status == "complete"

    def keeps_up_in(self, tags: Mapping[str, str]) -> bool:
        """Say whether figures with this filter are complete, and about the target."""
        scenario = tags.get("scenario")
        wanted = (scenario,) if scenario else ()
        return self.outcome.status == "complete" and not self.outcome.invalid_for(wanted)

    def value(self, series: Series) -> float | None:
        """Return the figure of a series; None if nothing was measured."""
        summary = self.summary(series)
        return None if summary is None else summary.figure(series.statistic)

    def requests(self, series: Series) -> float | None:
        """Return how many values a percentile or a rate is based on; None for other kinds."""
        summary = self.summary(series)
        counted = CATALOG[series.metric].kind in {Kind.TREND, Kind.RATE}
        return summary.count if counted and summary is not None else None

    def summary(self, series: Series) -> Summary | None:
        """Return the summary with a series' figure; None for a recovery that was not needed."""
        found = self.summaries.get((series.metric, tags_text(series.tags)))
        is_needless = found is not None and series.metric == FAULT_RECOVERY_S and not found.last
        return None if is_needless else found

    def key(self, series: Series) -> SeriesKey:
        """Return the key of a series of this benchmark in the history."""
        name = self.outcome.benchmark
        return SeriesKey(name, series.metric, tags_text(series.tags), series.statistic)


def measured_of(history: History, run_id: str) -> list[MeasuredBenchmark]:
    """Return every benchmark of a stored run.

    Raises:
        RequestError: there is no such run.
    """
    run, summaries = history.run(run_id), history.summaries(run_id)
    return [
        MeasuredBenchmark(
            run,
            outcome,
            {
                (summary.metric, tags_text(summary.tags)): summary
                for name, summary in summaries
                if name == outcome.benchmark
            },
        )
        for outcome in history.outcomes(run_id)
    ]


def failed_on_failures(history: History, run_id: str) -> dict[str, list[str]]:
    """Return the thresholds on failures that a run missed, by benchmark; others are left out.

    A target that fails may be quick, so that such a benchmark is in no baseline.
    """
    found: dict[str, list[str]] = {}
    for benchmark, verdict in history.verdicts(run_id):
        threshold = verdict.threshold
        if verdict.status is Status.FAIL and threshold.metric in TELLS_OF_FAILURES:
            found.setdefault(benchmark, []).append(threshold.key)
    return found


def series_in(profile: Profile, measured: MeasuredBenchmark) -> list[Series]:
    """Return the series by which a benchmark is compared; own benchmarks also by each operation.

    Operations without a threshold count as well, because the slowdown of a single one is hidden in
    the figures over all. Only the 50 most frequent operations are compared separately.
    """
    benchmark = measured.outcome.benchmark
    found = {series.label: series for series in series_of(profile, benchmark)}
    if not is_shipped(benchmark):
        for operation in _operations_of(measured):
            for metric, statistic in OF_OPERATIONS:
                series = Series(metric, {"operation": operation}, statistic)
                found.setdefault(series.label, series)
    return list(found.values())


def _operations_of(measured: MeasuredBenchmark) -> list[str]:
    """Return the operations of a benchmark that has several, the most frequent first."""
    counted = [
        (-(summary.count or 0), summary.tags["operation"])
        for (metric, _), summary in measured.summaries.items()
        if metric == OF_OPERATIONS[0][0] and summary.tags.keys() == {"operation"}
    ]
    return [operation for _, operation in sorted(counted)[:_MOST_OPERATIONS]]


def series_of(profile: Profile, benchmark: str) -> list[Series]:
    """Return the series by which a benchmark is compared: its thresholds' and the headlines."""
    thresholds = thresholds_of(profile, benchmark)
    wanted = [
        (threshold.metric, threshold.tags, compared_statistic(threshold.statistic_label))
        for threshold in thresholds
    ]
    wanted += [(metric, {}, statistic) for metric, statistic in HEADLINES]
    unique: dict[str, Series] = {}
    for metric, tags, statistic in wanted:
        # Failures are compared themselves; the share of answers is the rest, and has its own bound.
        is_wanted = CATALOG[metric].better != "neither" and metric not in OF_EVERY_BENCHMARK
        if statistic is not None and is_wanted:
            series = Series(metric, tags, statistic)
            unique.setdefault(series.label, series)
    return list(unique.values())


def pinned_series_of(profile: Profile, benchmark: str) -> list[tuple[PinnedBaseline, Series]]:
    """Return the fixed figures that a benchmark is compared with, each with its series."""
    found = []
    for pinned in profile.baseline.pinned:
        if pinned.benchmark == benchmark:
            metric, tags = parse_key(pinned.metric)
            statistic = compared_statistic(pinned.statistic) or pinned.statistic
            found.append((pinned, Series(metric, tags, statistic)))
    return found


def since_change(
    points: Sequence[SeriesPoint],
    run_id: str,
    changes: Sequence[tuple[str, FoundBy]],
    series: Series,
    policy: BaselinePolicy,
) -> list[SeriesPoint]:
    """Leave out the runs before the last confirmed change of level.

    An accepted change counts at once, the change of a permanently slower machine as soon as it has
    `minimum_runs` runs, and a change that the gate found once its level is known
    (`analysis.window.anchor`).

    Args:
        points: the points of runs before `run_id`, oldest first.
        run_id: the id of the run that is compared.
        changes: the first runs of the confirmed changes of this series.
        series: the series.
        policy: the gate.
    """
    if (run_id, "accepted") in changes:
        return []
    if not changes:
        return list(points[-2 * policy.window :])
    place = {point.run_id: index for index, point in enumerate(points)}
    known = [(place[first], found_by) for first, found_by in changes if first in place]
    reruns = repeats_in(list(place))
    start = _told_start(known, len(points), reruns, policy)
    values = [point.value for point in points[start:]]
    by_gate = [index - start for index, found_by in known if found_by == "gate" and index > start]
    scale = scale_of(CATALOG[series.metric].kind, values)
    repeats = {index - start for index in reruns}
    level = points[start + anchor(values, by_gate, policy, scale=scale, repeats=repeats) :]
    # Twice the window, because suspicious runs are left out.
    return list(level[-2 * policy.window :])


def _told_start(
    known: Iterable[tuple[int, FoundBy]],
    points: int,
    reruns: Container[int],
    policy: BaselinePolicy,
) -> int:
    """Return the index of the last change that a person accepted, or that a machine is known for.

    A machine's change is known with `minimum_runs` runs from it on, beside their re-runs.
    """
    runs = [index for index in range(points) if index not in reruns]
    enough = runs[-policy.minimum_runs] if len(runs) >= policy.minimum_runs else -1
    return max(
        (
            index
            for index, found_by in known
            if found_by == "accepted" or (found_by == "machine" and index <= enough)
        ),
        default=0,
    )


def policy_of(profile: Profile) -> BaselinePolicy:
    """Return the gate's policy of a profile."""
    given = profile.baseline
    return BaselinePolicy(
        window=given.window,
        minimum_runs=given.minimum_runs,
        alpha=given.alpha,
        minimum_effect=given.minimum_effect,
    )
