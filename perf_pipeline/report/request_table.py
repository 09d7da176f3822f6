"""The table of a benchmark's requests: what was done, how often, how fast, against the baseline.

Add here: a column, or the metrics of another protocol. Keep out: layout (templates/), and how a
series is compared (analysis/).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from perf_pipeline.analysis.baseline import Diff
from perf_pipeline.benchmarks.record import OF_HTTP, Leading
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.report import wording
from perf_pipeline.report.headline import OF_MESSAGES, OF_TRANSACTIONS
from perf_pipeline.report.model import BenchmarkReport
from perf_pipeline.report.tables import ColumnKind, Table

OF_PROTOCOLS: Final = (
    OF_HTTP,
    OF_TRANSACTIONS,
    Leading("db_query_duration", "db_queries", "db_query_failed"),
    Leading("cache_op_duration", "cache_ops", "cache_op_failed"),
    Leading("message_delivery_duration", "message_deliveries", "message_delivery_failed"),
    Leading("message_processing_duration", "messages_consumed", ""),
    OF_MESSAGES,
)
"""Latency, count and failures of the operations of each protocol."""

_PERCENTILES: Final = (
    ("p50", "median"),
    ("p90", "p90"),
    ("p95", "p95"),
    ("p99", "p99"),
    ("p99.9", "p99_9"),
    ("max", "maximum"),
)
_COLUMNS: Final[Mapping[str, ColumnKind]] = {
    "operation": "metric",
    "count": "number",
    "per second": "number",
    "failed": "number",
    **dict.fromkeys((title for title, _ in _PERCENTILES), "number"),
    "p95 against baseline": "prose",
}
_Tags = tuple[tuple[str, str], ...]


def request_table(diffs: Iterable[tuple[str, Diff]], benchmark: BenchmarkReport) -> Table:
    """Return a row for each operation and scenario, under a heading for each protocol.

    A percentile stands there only where enough values carry it; the newest p95 is compared with
    that of the runs before it.
    """
    changes = {
        (diff.series.metric, _key(diff.series.tags)): diff
        for name, diff in diffs
        if name == benchmark.name and diff.pinned is None and diff.series.statistic == "p(95)"
    }
    rows = (row for leading in OF_PROTOCOLS for row in _rows(benchmark.summaries, leading, changes))
    return replace(Table.of(_COLUMNS, rows), is_sortable=True)


def _rows(
    summaries: Sequence[Summary], leading: Leading, diffs: Mapping[tuple[str, _Tags], Diff]
) -> Iterator[tuple[str, ...]]:
    latencies = _by_tags(summaries, leading.latency)
    if not latencies:
        return
    counts, failed = (_by_tags(summaries, name) for name in (leading.throughput, leading.errors))
    counted = CATALOG[leading.throughput].unit
    unit = CATALOG[leading.latency].unit
    yield (f"{counted}: {leading.latency} in {unit}",)
    for tags, name in _named(latencies):
        found = latencies[tags]
        count = counts.get(tags)
        share = failed.get(tags)
        yield (
            name,
            wording.number((count or found).count),
            _number(None if count is None else count.rate),
            wording.quantity(None if share is None else share.rate, "ratio"),
            *(_number(found.carried(field)) for _, field in _PERCENTILES),
            _change(diffs.get((leading.latency, tags))),
        )


def _by_tags(summaries: Sequence[Summary], metric: str) -> dict[_Tags, Summary]:
    """Return the summaries of a metric as a whole, by scenario, and by operation."""
    return {
        _key(summary.tags): summary
        for summary in summaries
        if summary.metric == metric and summary.tags.keys() <= {"scenario", "operation"}
    }


def _named(latencies: Mapping[_Tags, Summary]) -> list[tuple[_Tags, str]]:
    """Name each row; a scenario that is the whole of it gives the whole its name."""
    parts = [tags for tags in latencies if tags]
    scenarios = [tags for tags in parts if dict(tags).keys() == {"scenario"}]
    if len(parts) > len(scenarios) == 1 and () in latencies:
        parts.remove(scenarios[0])  # the only scenario is the whole
    whole = [((), "all")] if () in latencies else []
    if len(parts) == 1 and whole and latencies[()].count == latencies[parts[0]].count:
        return [((), _name(parts[0], is_ambiguous=False))]
    kinds = {name for tags in parts for name, _ in tags}
    return [*whole, *((tags, _name(tags, is_ambiguous=len(kinds) > 1)) for tags in sorted(parts))]


def _name(tags: _Tags, *, is_ambiguous: bool) -> str:
    if is_ambiguous:
        return ", ".join(f"{kind} {name}" for kind, name in tags)
    return ", ".join(name for _, name in tags)


def _key(tags: Mapping[str, str]) -> _Tags:
    return tuple(sorted(tags.items()))


def _number(value: float | None) -> str:
    return wording.ABSENT if value is None else wording.number(value)


def _change(diff: Diff | None) -> str:
    if diff is None:
        return wording.ABSENT
    if diff.effect is None:
        return "no history yet" if not diff.noise.n else wording.words(diff.status)
    return f"{wording.change_of(diff)}, {wording.words(diff.status)}"
