"""The headline figures of a run: how fast, how many, how many errors, and counts of verdicts.

Add here: another headline figure. Keep out: which metrics lead a benchmark (benchmarks/), and
formats.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.benchmarks.record import Leading
from perf_pipeline.benchmarks.registry import BENCHMARKS, record_of
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Status
from perf_pipeline.report.finding_texts import regressions
from perf_pipeline.report.model import BenchmarkReport, BenchmarkStatus, RunReport
from perf_pipeline.report.wording import ABSENT, OUTCOMES, number, plural, quantity, words

OF_TRANSACTIONS: Final = Leading(
    "db_transaction_duration", "db_transactions", "db_transaction_failed"
)
OF_MESSAGES: Final = Leading("message_latency", "messages_consumed", "errors")
"""What leads a benchmark of database transactions, and one that follows messages."""
_ORDER: Final = (Status.FAIL, Status.INVALID, Status.NO_DATA, Status.WARN, Status.PASS)


@dataclass(frozen=True, slots=True)
class Headline:
    """Hold the three headline figures of a benchmark.

    Attributes:
        latency: the metric of the p95; empty if none was measured.
        p95_ms: the p95; None without data or if there are too few values.
        per_s: the rate of requests, queries or messages; None without data.
        unit: the unit of what is counted.
        error_ratio: the share of errors in all operations; None without data.
        values: the number of values of the latency; 0 if none was measured.
    """

    latency: str
    p95_ms: float | None
    per_s: float | None
    unit: str
    error_ratio: float | None
    values: float = 0

    @property
    def p95(self) -> str:
        """Write the p95, or the number of values if there are too few."""
        if self.p95_ms is None and self.values:
            return f"{ABSENT} (only {number(self.values)} values)"
        return quantity(self.p95_ms, "ms")


def headline(benchmark: BenchmarkReport) -> Headline:
    """Return the headline figures: the benchmark's own, or the first others that have data."""
    whole = {summary.metric: summary for summary in benchmark.summaries if not summary.tags}
    others = (record.leading for record in BENCHMARKS)
    own = record_of(benchmark.name).leading
    for leading in (own, OF_TRANSACTIONS, *others, OF_MESSAGES):
        trend = whole.get(leading.latency)
        if trend is not None and trend.p95 is not None:
            unit = CATALOG[leading.throughput].unit
            per_s, error_ratio = _rate(whole, leading.throughput), _rate(whole, leading.errors)
            p95_ms = trend.carried("p95")
            return Headline(leading.latency, p95_ms, per_s, unit, error_ratio, trend.count)
    return Headline("", None, None, "", _rate(whole, "errors"))


def _rate(whole: Mapping[str, Summary], metric: str) -> float | None:
    summary = whole.get(metric)
    return None if summary is None else summary.rate


def p95_diff(report: RunReport, benchmark: BenchmarkReport) -> Diff | None:
    """Find the diff of the leading p95 over the whole benchmark, preferably against the history."""
    latency = headline(benchmark).latency
    wanted = (benchmark.name, latency, "p(95)")
    diffs = [
        diff
        for name, diff in report.diffs
        if (name, diff.series.metric, diff.series.statistic) == wanted and not diff.series.tags
    ]
    return min(diffs, key=lambda diff: diff.pinned is not None, default=None)


def verdict_of(benchmark: BenchmarkReport) -> str:
    """Return a benchmark's status in one word: how it ended, or else its most serious verdict."""
    if not benchmark.valid:
        return str(Status.INVALID)
    if benchmark.status is not BenchmarkStatus.COMPLETED:
        return str(benchmark.status)
    statuses = {verdict.status for verdict in benchmark.verdicts}
    return str(next((status for status in _ORDER if status in statuses), benchmark.status))


def counts(report: RunReport) -> str:
    """Count the verdicts and the diffs by status, the most serious first."""
    verdicts = Counter(
        verdict.status for benchmark in report.benchmarks for verdict in benchmark.verdicts
    )
    diffs = Counter(diff.status for _, diff in report.diffs)
    judged = ", ".join(
        f"{verdicts[status]} {words(status)}" for status in _ORDER if verdicts[status]
    )
    compared = ", ".join(
        f"{diffs[status]} {words(status)}{_by_causes(report, status, diffs[status])}"
        for status in DiffStatus
        if diffs[status]
    )
    text = f"thresholds: {judged or 'none'}"
    return f"{text}; against the baseline: {compared}" if compared else text


def _by_causes(report: RunReport, status: DiffStatus, series: int) -> str:
    """Say how many causes the regressions have, if there are fewer causes than series."""
    found = len(regressions(report)) if status is DiffStatus.REGRESSED else series
    return f" ({plural(found, 'finding')})" if found < series else ""


def ended(report: RunReport) -> str:
    """Write the outcome and its exit code."""
    code = report.exit_code
    held = "" if report.withheld is None else ", the gate is withheld"
    return f"{OUTCOMES.get(code, code.name)}{held} (exit code {int(code)})"
