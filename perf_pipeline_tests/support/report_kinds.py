"""Reports of every kind of run as values, without any load: what their pages are looked at with.

Add here: a kind of run whose page may look wrong. Keep out: browsers, and what a page should say.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from perf_pipeline.analysis.baseline import BaselinePolicy, Diff, Series, diff, pinned_diff
from perf_pipeline.analysis.bottleneck import Facts, checklist
from perf_pipeline.analysis.scale import Effect, Scale
from perf_pipeline.metrics.histogram import Histogram, bucket_of, value_of
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Verdict, parse_threshold
from perf_pipeline.report.distribution import Distribution, spread_of
from perf_pipeline.report.model import (
    BenchmarkReport,
    BenchmarkStatus,
    Failure,
    RunReport,
    TimeSeries,
)
from perf_pipeline.report.trend import Trend, TrendChange, TrendRun

_BEGAN: Final = datetime(2026, 1, 4, 6, tzinfo=UTC)
_PAST: Final = [3.0, 3.1, 2.9, 3.05, 2.95, 3.0, 3.1, 2.9, 3.0]
_SERIES: Final = Series("http_req_duration", {}, "p(95)")


def _latency(median: float, count: float = 6_000, **tags: str) -> Summary:
    scale = (0.5, 1.2, 1.0, 1.8, 2.0, 3.0, 3.5, 4.0, 1.0)
    return Summary("http_req_duration", tags, count, None, *(median * part for part in scale))


def _counter(name: str, count: float, per_s: float, **tags: str) -> Summary:
    return Summary(name, tags, count, per_s, *([None] * 9))


def _share(name: str, share: float, count: float = 6_000, **tags: str) -> Summary:
    return Summary(name, tags, count, share, *([None] * 9))


def _reading(name: str, mean: float, source: str) -> Summary:
    return Summary(name, {"source": source}, 60, None, *([mean] * 9))


def _wave(seconds: int, step_s: int, mean: float, depth: float) -> tuple[tuple[float, float], ...]:
    return tuple(
        (float(at), mean * (1 + depth * math.sin(at * 0.7 / step_s)))
        for at in range(0, seconds + 1, step_s)
    )


def _course(seconds: int, step_s: int = 1) -> Iterator[TimeSeries]:
    """Yield the lines of a load that drops starts in its middle."""
    every = float(step_s)
    planned = _wave(seconds, step_s, 100, 0)
    dropped = tuple((at, 40.0 if 0.4 < at / seconds < 0.6 else 0.0) for at, _ in planned)
    started = tuple((at, 100 - drops) for at, drops in dropped)
    for name, points in (("planned", planned), ("started", started), ("dropped", dropped)):
        yield TimeSeries(name, "1/s", points, "iterations", every)
    keys = ("http_req_duration",)
    for name, mean in (("p50", 2.0), ("p95", 4.0), ("p99", 6.0), ("max", 40.0)):
        points = _wave(seconds, step_s, mean, 0.2)
        yield TimeSeries(name, "ms", points, "service time of create_user", every, keys)
    yield TimeSeries("failed", "percent", _wave(seconds, step_s, 0, 0), "failed", every)
    for name, mean in (("active", 50.0), ("busy", 12.0), ("existing", 60.0)):
        yield TimeSeries(name, "VUs", _wave(seconds, step_s, mean, 0.05), "VUs", every)
    for source, mean in (("api", 60.0), ("postgres", 45.0), ("worker", 20.0)):
        points = _wave(seconds, step_s, mean, 0.3)
        yield TimeSeries(source, "percent of one core", points, "process_cpu_percent", every)


def _distribution() -> Distribution:
    return Distribution(
        "http_req_duration", "ms", spread_of(_histogram(2.0)), spread_of(_histogram(1.8)), 9
    )


def _histogram(middle_ms: float) -> Histogram:
    """Make a bell on a log axis around a value."""
    middle = bucket_of(middle_ms)
    shares = {step: math.exp(-((step / 30) ** 2)) for step in range(-60, 90)}
    buckets = {middle + step: round(400 * share) for step, share in shares.items()}
    buckets = {bucket: times for bucket, times in buckets.items() if times}
    low, high = value_of(min(buckets)), value_of(max(buckets))
    return Histogram(sum(buckets.values()), middle_ms, low, high, buckets)


def _verdict(key: str, text: str, value: float | None) -> Verdict:
    return parse_threshold(key, text).judge(value)


def _p95(value: float, past: list[float]) -> Diff:
    return diff(_SERIES, value, past, BaselinePolicy())


def _api(seconds: int, step_s: int = 1) -> BenchmarkReport:
    count = 100.0 * seconds
    return BenchmarkReport(
        "api_user_creation",
        BenchmarkStatus.COMPLETED,
        wall_s=seconds + 2.0,
        measured_s=float(seconds),
        verdicts=(
            _verdict("http_req_duration", "p(95)<1000", 4.0),
            _verdict("http_req_failed", "rate<0.01", 0.002),
            _verdict("http_reqs", "rate>50", 100.0),
        ),
        summaries=(
            _latency(2.0, count),
            _latency(2.0, count, scenario="create"),
            _counter("http_reqs", count, 100.0),
            _share("http_req_failed", 0.002),
            _counter("dropped_iterations", 0.08 * count, 8.0),
            _reading("host_cpu_percent", 61.0, "host"),
            _reading("process_cpu_percent", 45.0, "postgres"),
        ),
        series=tuple(_course(seconds, step_s)),
        failures=(Failure("status 500", "create_user of create", 12, 1.0, seconds / 2, 3, 7),),
        distributions=(_distribution(),),
        measured_between_s=(seconds * 0.05, seconds * 0.95),
    )


def _run(*benchmarks: BenchmarkReport, seconds: float = 60.0) -> RunReport:
    return RunReport(
        run_id="20260104-060000-a1b2c3",
        profile="quick",
        began_at=_BEGAN,
        wall_s=seconds,
        target="http://127.0.0.1:8080",
        environment={"cores": "2", "kernel": "6.8", "python": "3.13"},
        benchmarks=benchmarks,
        history_path=".perf/history.duckdb",
    )


def _trend() -> Trend:
    runs = tuple(
        TrendRun(f"r{n}", (_BEGAN + timedelta(days=n - 12)).isoformat(), value, n, f"v1.{n}")
        for n, value in enumerate((*_PAST, 4.0, 4.1, 4.0))
    )
    change = TrendChange(9, Effect(0.33, 0.28, 0.38, Scale.RELATIVE), 3.0, 4.0, "gate")
    return Trend("api_user_creation", _SERIES, runs, band=(2.8, 3.2), changes=(change,))


def _five_seconds() -> RunReport:
    return _run(_api(5), seconds=7.0)


def thirty_minutes() -> RunReport:
    """Return a long run that is like any other; its page is measured and no picture taken."""
    return _run(_api(1_800, 5), seconds=1_802.0)


def _aborted() -> RunReport:
    failed = (_verdict("http_req_failed", "rate<0.01", 0.31),)
    ended = replace(
        _api(60),
        status=BenchmarkStatus.ABORTED,
        verdicts=failed,
        problems=("http_req_failed rate<0.01 was missed, and abortOnFail ended the load",),
        measured_between_s=(3.0, 41.0),
    )
    never = BenchmarkReport("database_benchmark", BenchmarkStatus.NOT_RUN, 0.0, 0.0)
    return _run(ended, never)


def _invalid() -> RunReport:
    why = "worker 1 used 97 % of its core, and starts were up to 812 ms late; use more workers"
    verdicts = tuple(
        replace(verdict.threshold.judge(verdict.observed, measured=False), reason=why)
        for verdict in _api(60).verdicts
    )
    return _run(replace(_api(60), valid=False, invalid_reasons=(why,), verdicts=verdicts))


def _no_data() -> RunReport:
    unmeasured = replace(
        _api(60),
        status=BenchmarkStatus.FAILED,
        verdicts=(_verdict("http_reqs", "rate>50", None),),
        summaries=(),
        series=(),
        failures=(),
        distributions=(),
        measured_between_s=None,
        problems=("connection refused by 127.0.0.1:8080",),
    )
    return _run(unmeasured)


def _first_run() -> RunReport:
    pinned = pinned_diff(_SERIES, 4.0, 800.0)
    diffs = (("api_user_creation", _p95(4.0, [])), ("api_user_creation", pinned))
    return replace(_run(_api(60)), diffs=diffs)


def _many_operations() -> RunReport:
    many = [_latency(1 + n / 100, 120.0, operation=f"search::page_{n:03d}") for n in range(500)]
    return _run(replace(_api(60), summaries=(*_api(60).summaries, *many)))


def _two_hours() -> RunReport:
    whole = _run(_api(7_200, 15), seconds=7_202.0)
    moved = ("api_user_creation", _p95(4.0, [*_PAST, 4.1]))
    found = checklist({"api_user_creation": whole.benchmarks[0].summaries}, Facts(1, 1))
    notices = ("the broker is an emulator, its figures are not Kafka's",)
    return replace(
        whole, diffs=(moved,), trends=(_trend(),), findings=tuple(found), notices=notices
    )


KINDS: Final[Mapping[str, Callable[[], RunReport]]] = MappingProxyType(
    {
        "five-seconds": _five_seconds,
        "aborted": _aborted,
        "invalid": _invalid,
        "no-data": _no_data,
        "first-run": _first_run,
        "500-operations": _many_operations,
        "two-hours": _two_hours,
    }
)
"""Every kind of run by its name."""
