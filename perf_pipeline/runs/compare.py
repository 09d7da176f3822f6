"""Compare a run with the runs before it, and with pinned figures.

Add here: a series that every run should be compared by. Keep out: statistics (analysis/).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from perf_pipeline.analysis.baseline import BaselinePolicy, Diff, Series, diff, pinned_diff
from perf_pipeline.analysis.environment import withheld
from perf_pipeline.config.profile import PinnedBaseline, Profile
from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.runs.ingest import WAIT_S, profile_of
from perf_pipeline.runs.judge import thresholds_of
from perf_pipeline.runs.session import history_of
from perf_pipeline.store.history import History, open_history
from perf_pipeline.store.records import (
    BenchmarkOutcome,
    DiffRow,
    RunKey,
    RunRecord,
    SeriesStatistic,
    tags_text,
)

# What every run is compared by, where the benchmark has it; thresholds add their own.
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
)
_COLUMNS: Final[dict[str, SeriesStatistic]] = {
    "med": "med",
    "p(50)": "med",
    "p(90)": "p90",
    "p(95)": "p95",
    "p(99)": "p99",
    "avg": "avg",
    "max": "max",
    "min": "min",
    "rate": "rate",
    "count": "count",
    "value": "value",
}


def compare_run(
    state: Path, run_id: str, *, profile: Profile | None = None
) -> list[tuple[str, Diff]]:
    """Compare every benchmark of a run and store the diffs, as (benchmark, diff).

    Raises:
        PerfPipelineError: there is no such run.
        StoreBusyError: the history is open elsewhere.
    """
    with open_history(history_of(state), wait_s=WAIT_S) as history:
        run = history.run(run_id)
        judged_by = profile or profile_of(history, run_id)
        found = [
            (outcome.benchmark, one)
            for outcome in history.outcomes(run_id)
            for one in _benchmark_diffs(history, run, judged_by, outcome)
        ]
        # The environment shows itself over all benchmarks together.
        gated = withheld([one for _, one in found])
        pairs = [(name, one) for (name, _), one in zip(found, gated, strict=True)]
        for outcome in history.outcomes(run_id):
            rows = [_row(one) for name, one in pairs if name == outcome.benchmark]
            history.store_diffs(RunKey(run_id, outcome.benchmark), rows)
        return pairs


def series_of(profile: Profile, benchmark: str) -> list[Series]:
    """Give what a benchmark is compared by: its thresholds' figures and the headlines."""
    thresholds = thresholds_of(profile, benchmark)
    wanted = [Series(one.metric, one.tags, one.statistic_label) for one in thresholds]
    wanted += [Series(metric, {}, statistic) for metric, statistic in HEADLINES]
    unique = {one.label: one for one in wanted}
    return [
        one
        for one in unique.values()
        if one.statistic in _COLUMNS and CATALOG[one.metric].better != "neither"
    ]


def _benchmark_diffs(
    history: History, run: RunRecord, profile: Profile, outcome: BenchmarkOutcome
) -> Iterator[Diff]:
    summaries = {
        (one.metric, tags_text(one.tags)): one
        for name, one in history.summaries(run.run_id)
        if name == outcome.benchmark
    }
    for series in series_of(profile, outcome.benchmark):
        summary = summaries.get((series.metric, tags_text(series.tags)))
        if summary is not None:
            yield _diff(history, run, profile, outcome, series, summary)
    for pinned in profile.baseline.pinned:
        if pinned.benchmark == outcome.benchmark:
            yield _pinned(history, run, profile, outcome, pinned, summaries)


def _diff(
    history: History,
    run: RunRecord,
    profile: Profile,
    outcome: BenchmarkOutcome,
    series: Series,
    summary: Summary,
) -> Diff:
    return diff(
        series,
        _value(summary, series.statistic),
        _history_of(history, run, outcome, series),
        _policy(profile),
        requests=summary.count if CATALOG[series.metric].kind is Kind.TREND else None,
        valid=outcome.valid and outcome.status == "complete",
    )


def _pinned(
    history: History,
    run: RunRecord,
    profile: Profile,
    outcome: BenchmarkOutcome,
    pinned: PinnedBaseline,
    summaries: dict[tuple[str, str], Summary],
) -> Diff:
    from perf_pipeline.metrics.threshold import parse_key  # noqa: PLC0415 - one use

    metric, tags = parse_key(pinned.metric)
    series = Series(metric, tags, pinned.statistic)
    summary = summaries.get((metric, tags_text(tags)))
    return pinned_diff(
        series,
        None if summary is None else _value(summary, series.statistic),
        pinned.value,
        _history_of(history, run, outcome, series),
        policy=_policy(profile),
        valid=outcome.valid and outcome.status == "complete",
    )


def _history_of(
    history: History, run: RunRecord, outcome: BenchmarkOutcome, series: Series
) -> list[float]:
    """Give the earlier runs' figures: same benchmark, load, profile and environment."""
    points = history.series(
        outcome.benchmark,
        series.metric,
        series.tags,
        _COLUMNS[series.statistic],
        profile=run.profile,
        environment_id=run.environment_id,
        load_hash=outcome.load_hash,
        before=run.run_id,
    )
    return [point.value for point in points if point.valid]


def _policy(profile: Profile) -> BaselinePolicy:
    given = profile.baseline
    return BaselinePolicy(
        window=given.window,
        minimum_runs=given.minimum_runs,
        alpha=given.alpha,
        minimum_effect=given.minimum_effect,
    )


def _value(summary: Summary, statistic: str) -> float | None:
    return {
        "med": summary.median,
        "p90": summary.p90,
        "p95": summary.p95,
        "p99": summary.p99,
        "avg": summary.average,
        "max": summary.maximum,
        "min": summary.minimum,
        "rate": summary.rate,
        "count": summary.count,
        "value": summary.last,
    }[_COLUMNS[statistic]]


def _row(one: Diff) -> DiffRow:
    effect = one.effect
    return DiffRow(
        metric=one.series.metric,
        tags=tags_text(one.series.tags),
        statistic=one.series.statistic,
        value=one.value,
        baseline_kind="history" if one.pinned is None else "pinned",
        baseline_runs=one.noise.n,
        baseline_median=one.noise.median if one.pinned is None else one.pinned,
        change_ratio=effect.change if effect else None,
        change_low=effect.low if effect else None,
        change_high=effect.high if effect else None,
        minimum_detectable_ratio=one.minimum_detectable,
        status=one.status.value,
    )
