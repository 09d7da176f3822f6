"""What people ask first: does it carry a million a day, how fast, how many errors, any slower.

Add here: a benchmark's leading figures. Keep out: formats.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.analysis.bottleneck import Finding, FindingStatus
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Status
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport
from perf_pipeline.report.wording import OUTCOMES, number, seconds, words

_LEADING: Final = (
    ("http_req_duration", "http_reqs", "http_req_failed"),
    ("db_query_duration", "db_queries", "db_query_failed"),
    ("message_delivery_duration", "message_deliveries", "message_delivery_failed"),
    ("message_processing_duration", "messages_consumed", "errors"),
    ("message_latency", "messages_consumed", "errors"),
)
_ORDER: Final = (Status.FAIL, Status.INVALID, Status.NO_DATA, Status.WARN, Status.PASS)
_UNMEASURED: Final = frozenset({Status.NO_DATA, Status.INVALID})
_TARGET: Final = "1,000,000 messages a day"


@dataclass(frozen=True, slots=True)
class Headline:
    """Lead a benchmark with three figures.

    Attributes:
        latency: whose p95 it is; empty when none was measured.
        p95_ms: None without data.
        per_s: of requests, queries or messages; None without data.
        unit: of what is counted.
        error_ratio: over all operations; None without data.
    """

    latency: str
    p95_ms: float | None
    per_s: float | None
    unit: str
    error_ratio: float | None


def headline(benchmark: BenchmarkReport) -> Headline:
    """Choose the leading figures: HTTP before database before queue."""
    whole = {each.metric: each for each in benchmark.summaries if not each.tags}
    for latency, throughput, errors in _LEADING:
        trend = whole.get(latency)
        if trend is not None and trend.p95 is not None:
            unit = CATALOG[throughput].unit
            per_s, error_ratio = _rate(whole, throughput), _rate(whole, errors)
            return Headline(latency, trend.p95, per_s, unit, error_ratio)
    return Headline("", None, None, "", _rate(whole, "errors"))


def _rate(whole: Mapping[str, Summary], metric: str) -> float | None:
    summary = whole.get(metric)
    return None if summary is None else summary.rate


def p95_diff(report: RunReport, benchmark: BenchmarkReport) -> Diff | None:
    """Find the diff of the leading p95 over the whole benchmark; history before a pinned figure."""
    latency = headline(benchmark).latency
    wanted = (benchmark.name, latency, "p(95)")
    diffs = [
        diff
        for name, diff in report.diffs
        if (name, diff.series.metric, diff.series.statistic) == wanted and not diff.series.tags
    ]
    return min(diffs, key=lambda diff: diff.pinned is not None, default=None)


def regressed(report: RunReport) -> list[tuple[str, Diff]]:
    """List the confirmed regressions."""
    return [pair for pair in report.diffs if pair[1].status is DiffStatus.REGRESSED]


def found(report: RunReport) -> list[tuple[str, Finding]]:
    """List the bottlenecks that were found, the severest first."""
    pairs = [pair for pair in report.findings if pair[1].status is FindingStatus.FOUND]
    return sorted(pairs, key=lambda pair: pair[1].severity != "fail")


def million_a_day(report: RunReport) -> str:
    """Answer the owner's question in one sentence."""
    for benchmark in report.benchmarks:
        headroom = _newest(benchmark.summaries, "headroom_ratio")
        if headroom is not None:
            return _answer(benchmark, headroom)
    return f"{_TARGET}: not measured in this run"


def _answer(benchmark: BenchmarkReport, headroom: float) -> str:
    if not benchmark.valid:
        return f"{_TARGET}: INVALID, the load generator was the limit of {benchmark.name}"
    failed = sum(each.status is Status.FAIL for each in benchmark.verdicts)
    unmeasured = sum(each.status in _UNMEASURED for each in benchmark.verdicts)
    text = f"headroom {number(headroom)}x"
    per_day = _newest(benchmark.summaries, "messages_per_day")
    if per_day is not None:
        text += f", the sustained rate stands for {number(per_day)} messages a day"
    if failed or headroom < 1:
        why = f"{plural(failed, 'threshold')} of {benchmark.name} failed, " if failed else ""
        return f"{_TARGET}: FAIL, {why}{text}"
    if unmeasured or benchmark.status is not BenchmarkStatus.COMPLETED:
        return f"{_TARGET}: NOT MEASURED to the end ({benchmark.status}), {text}"
    return f"{_TARGET}: PASS in {benchmark.name}, {text}"


def _newest(summaries: Iterable[Summary], metric: str) -> float | None:
    values = [each.last for each in summaries if each.metric == metric and each.last is not None]
    finite = [value for value in values if math.isfinite(value)]
    # Several scenarios may tell; the least favourable one counts.
    return min(finite, default=None)


def counts(report: RunReport) -> str:
    """Count the verdicts by status and the diffs by status, the gravest first."""
    verdicts = Counter(each.status for one in report.benchmarks for each in one.verdicts)
    diffs = Counter(diff.status for _, diff in report.diffs)
    judged = ", ".join(
        f"{verdicts[status]} {words(status)}" for status in _ORDER if verdicts[status]
    )
    compared = ", ".join(
        f"{diffs[status]} {words(status)}" for status in DiffStatus if diffs[status]
    )
    text = f"thresholds: {judged or 'none'}"
    return f"{text}; against the baseline: {compared}" if compared else text


def _listed(statuses: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count} {words(status)}" for status, count in statuses if count)


def plural(count: int, noun: str) -> str:
    """Write a count with its noun.

    >>> plural(1, "threshold"), plural(2, "threshold")
    ('1 threshold', '2 thresholds')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def ended(report: RunReport) -> str:
    """Write the outcome and its exit code."""
    code = report.exit_code
    return f"{OUTCOMES.get(code, code.name)} (exit code {int(code)})"


def troubles(report: RunReport) -> list[tuple[str, str, str]]:
    """List what people must know besides figures: (status, subject, sentence)."""
    lines: list[tuple[str, str, str]] = []
    if not report.benchmarks:
        lines.append(("NO_DATA", "run", "no benchmark ran"))
    for one in report.benchmarks:
        if one.status is not BenchmarkStatus.COMPLETED:
            sentence = f"after {seconds(one.wall_s)}" if one.wall_s else "nothing was measured"
            lines.append((str(one.status), one.name, sentence))
        reasons = one.invalid_reasons or ("the load generator was the limit",)
        lines += [("INVALID", one.name, reason) for reason in reasons if not one.valid]
        lines += [("PROBLEM", one.name, problem) for problem in one.problems]
        lines += [
            (str(each.status), f"{one.name} {each.threshold.key}", each.reason)
            for each in one.verdicts
            if each.reason and each.status is not Status.PASS
        ]
    return lines
