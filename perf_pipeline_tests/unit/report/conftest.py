"""Reports of four kinds of run, as values: full, five seconds, aborted, nothing measured."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from perf_pipeline.analysis.baseline import BaselinePolicy, Diff, Series, diff, pinned_diff
from perf_pipeline.analysis.bottleneck import Facts, checklist
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Verdict, parse_threshold
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport, TimeSeries

HISTORY = [3.0, 3.1, 2.9, 3.05, 2.95, 3.0, 3.1, 2.9]


def trend(metric: str, scale: float, count: float = 6_000, **tags: str) -> Summary:
    """Median 1, p95 2, maximum 4 times the scale."""
    return Summary(
        metric,
        tags,
        count,
        None,
        0.5 * scale,
        1.2 * scale,
        scale,
        1.8 * scale,
        2.0 * scale,
        3.0 * scale,
        3.5 * scale,
        4.0 * scale,
        scale,
    )


def rate(metric: str, share: float, count: float = 6_000, **tags: str) -> Summary:
    return Summary(metric, tags, count, share, *([None] * 9))


def counter(metric: str, count: float, per_s: float, **tags: str) -> Summary:
    return Summary(metric, tags, count, per_s, *([None] * 9))


def gauge(metric: str, value: float, **tags: str) -> Summary:
    return Summary(metric, tags, 1, None, *([value] * 9))


def verdict(key: str, expression: str, value: float | None, *, warn: bool = False) -> Verdict:
    return parse_threshold(key, expression, severity="warn" if warn else "fail").judge(value)


def p95_diff(value: float | None, history: list[float]) -> Diff:
    return diff(Series("http_req_duration", {}, "p(95)"), value, history, BaselinePolicy())


@pytest.fixture
def api() -> BenchmarkReport:
    return BenchmarkReport(
        "api_user_creation",
        BenchmarkStatus.COMPLETED,
        wall_s=65.0,
        measured_s=60.0,
        verdicts=(
            verdict("http_req_duration", "p(95)<1000", 4.0),
            verdict("http_req_duration{scenario:create}", "p(99)<2000", 6.0),
            verdict("http_req_failed", "rate<0.01", 0.010004),
            verdict("http_reqs", "rate>50", 11_734.2),
        ),
        summaries=(
            trend("http_req_duration", 2.0),
            trend("http_req_duration", 2.0, scenario="create"),
            counter("http_reqs", 6_000, 11_734.2),
            rate("http_req_failed", 0.010004),
            rate("checks", 0.9, check="status is 201"),
        ),
        series=(
            TimeSeries("http_req_duration p(95)", "ms", ((0.0, 3.0), (1.0, 4.5), (2.0, 3.2))),
            TimeSeries("nothing", "ms", ()),
        ),
    )


@pytest.fixture
def database() -> BenchmarkReport:
    return BenchmarkReport(
        "database_benchmark",
        BenchmarkStatus.COMPLETED,
        wall_s=12.0,
        measured_s=10.0,
        verdicts=(
            verdict("db_records_per_s{operation:select}", "value>=5000", 4_200.0, warn=True),
        ),
        summaries=(
            trend("db_query_duration", 1.5),
            gauge("db_records_per_s", 4_200.0, operation="select"),
            trend("process_cpu_percent", 90.0, source="postgres"),
        ),
    )


@pytest.fixture
def simulation() -> BenchmarkReport:
    return BenchmarkReport(
        "day_simulation",
        BenchmarkStatus.COMPLETED,
        wall_s=40.0,
        measured_s=30.0,
        verdicts=(verdict("message_latency", "p(95)<1000", 12.0),),
        summaries=(
            trend("message_latency", 6.0),
            gauge("headroom_ratio", 3.2),
            gauge("messages_per_day", 1_036_800.0),
            gauge("messages_expected", 570.0),
            gauge("messages_lost", 0.0),
        ),
    )


@pytest.fixture
def full(api: BenchmarkReport, database: BenchmarkReport, simulation: BenchmarkReport) -> RunReport:
    """Two minutes: a failed and a missed threshold, a regression, a bottleneck."""
    benchmarks = (api, database, simulation)
    summaries = [summary for benchmark in benchmarks for summary in benchmark.summaries]
    findings = tuple(checklist({"end_to_end": summaries}, Facts(1, 1)))
    latency = Series("http_req_duration", {}, "p(95)")
    return RunReport(
        run_id="20260104-000000-quick",
        profile="quick",
        began_at=datetime(2026, 1, 4, tzinfo=UTC),
        wall_s=118.0,
        target="http://127.0.0.1:8080",
        environment={"python": "3.11", "kernel": "a | b"},
        notices=("the broker is an emulator (noida-db), its figures are not Kafka's",),
        benchmarks=benchmarks,
        diffs=(
            ("api_user_creation", p95_diff(4.0, [*HISTORY, 4.1])),
            ("api_user_creation", pinned_diff(latency, 4.0, 800.0)),
            ("database_benchmark", p95_diff(3.0, HISTORY[:2])),
            ("day_simulation", p95_diff(3.0, [])),
        ),
        findings=findings,
        history_path=".perf/history.duckdb",
        paths={"html": ".perf/report.html"},
    )


@pytest.fixture
def five_seconds(full: RunReport, api: BenchmarkReport) -> RunReport:
    """One short benchmark, everything passes, no history, no findings."""
    short = replace(api, wall_s=5.04, measured_s=5.0, verdicts=api.verdicts[:2], series=())
    return replace(full, wall_s=5.04, benchmarks=(short,), diffs=(), findings=(), notices=())


@pytest.fixture
def aborted(full: RunReport, api: BenchmarkReport, database: BenchmarkReport) -> RunReport:
    """The generator was the limit, then the target died, the rest never ran."""
    limited = replace(
        api,
        status=BenchmarkStatus.ABORTED,
        valid=False,
        invalid_reasons=("worker 1 used 97 % of its core; schedule lag p99 was 812 ms",),
        verdicts=(parse_threshold("http_reqs", "rate>50").judge(12.0, measured=False),),
    )
    died = replace(
        database,
        status=BenchmarkStatus.FAILED,
        problems=("connection refused by 127.0.0.1:5432",),
        verdicts=(verdict("db_queries", "count>0", None),),
        summaries=(),
    )
    never = BenchmarkReport("day_simulation", BenchmarkStatus.NOT_RUN, 0.0, 0.0)
    return replace(full, benchmarks=(limited, died, never), diffs=(), findings=())


@pytest.fixture
def empty(full: RunReport) -> RunReport:
    """Nothing was measured and nothing is known."""
    return RunReport("r", "quick", full.began_at, 0.0, "http://127.0.0.1:8080")
