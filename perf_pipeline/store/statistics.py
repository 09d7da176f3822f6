"""Turn the values of a metric into rows of figures, and into the one figure of a threshold.

A reading whose source is a part (`topic/3`, a partition; `lo`, the loopback device) counts only
when a filter names it: its whole is there as well, and mixing both would count things twice.

Add here: a rule on which rows a summary or a threshold is about. Keep out: what a metric's values
are (metric_sql.py) and the SQL of a statistic (aggregates.py).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import duckdb

from perf_pipeline.metrics.catalog import CATALOG, IMPORTED, Kind, Metric
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Threshold
from perf_pipeline.store.aggregates import summary_sql, threshold_sql
from perf_pipeline.store.filters import figure_tag, tag_conditions
from perf_pipeline.store.histograms import KEPT, figure_from_histograms
from perf_pipeline.store.lower_bounds import TREND_WITH_BOUNDS, have_bounds, raised, takes_bounds
from perf_pipeline.store.metric_sql import (
    BY_OPERATION,
    FROM_FIGURES,
    FROM_READINGS,
    FROM_VUS,
    metric_rows,
    rows_of,
)
from perf_pipeline.store.records import OF_KEY, RunKey
from perf_pipeline.store.windows import Windows

# Tags that say how an operation ended: when there were operations and none ended so, that is a 0.
_ENDINGS: Final = frozenset({"status", "outcome", "error"})
# Counts of one protocol's operations are told apart by how they ended; only HTTP has statuses.
BREAKDOWNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        name: ("status", "error") if metric.source.protocol == "http" else ("error",)
        for name, metric in CATALOG.items()
        if metric.source is not None and metric.source.value == "count"
    }
)
_FEW_MESSAGES: Final = 50_000
_MOST_TOGETHER: Final = 40
_NO_PARTS: Final = "source not like '%/%' and source <> 'lo'"


def summaries_of(
    connection: duckdb.DuckDBPyConnection,
    key: RunKey,
    metrics: Iterable[Metric],
    windows: Windows,
) -> dict[str, list[Summary]]:
    """Summarise metrics: overall, by scenario, by operation where that differs, by source.

    Those with the same aggregation share a statement, unless a benchmark is large: percentiles keep
    all values of a statement in memory.

    Args:
        connection: to the history.
        key: the key of the benchmark.
        metrics: none of samples, which have a way of their own (tallied_figures.py).
        windows: the windows of the benchmark.

    Returns:
        The summaries of each metric; an empty list for one without values in this benchmark.
    """
    alike: dict[tuple[tuple[str, ...], str, str], list[Metric]] = {}
    for metric in metrics:
        shape = (*_grouping(metric, windows), summary_sql(metric.kind))
        alike.setdefault(shape, []).append(metric)
    together = _MOST_TOGETHER if _is_small(connection, key) else 1
    found: dict[str, list[Summary]] = {}
    for shape, group in alike.items():
        for first in range(0, len(group), together):
            some = group[first : first + together]
            rows = _rows(connection, key, [metric.name for metric in some], shape)
            for metric in some:
                wanted = [
                    _summary(metric.name, shape[0], row[2:])
                    for row in rows.get(metric.name, ())
                    if row[0] and _is_wanted(shape[0], row, windows)
                ]
                wanted = [*whole_of(metric, wanted, windows), *wanted]
                found[metric.name] = [with_rate(summary, metric, windows) for summary in wanted]
    return found


def _is_small(connection: duckdb.DuckDBPyConnection, key: RunKey) -> bool:
    row = connection.execute(
        f"select count(*) from ledger where {OF_KEY}", key.parameters
    ).fetchone()
    return row is not None and row[0] <= _FEW_MESSAGES


def _rows(
    connection: duckdb.DuckDBPyConnection,
    key: RunKey,
    metrics: Sequence[str],
    shape: tuple[tuple[str, ...], str, str],
) -> dict[str, list[tuple[Any, ...]]]:
    """Aggregate the values of metrics with the same aggregation; return the rows of each."""
    columns, grouping, aggregates = shape
    tags = "".join(f"coalesce({column}, ''), " for column in columns)
    group_id = f"grouping_id({', '.join(columns)})" if "sets" in grouping and columns else "1"
    sql = (
        f"select metric, count(value), {group_id}, {tags}{aggregates} from "
        f"({rows_of(metrics)}) where {OF_KEY} group by {grouping} order by all"
    )
    found: dict[str, list[tuple[Any, ...]]] = {}
    for metric, *row in connection.execute(sql, key.parameters).fetchall():
        found.setdefault(metric, []).append(tuple(row))
    return found


def summary_of(
    connection: duckdb.DuckDBPyConnection,
    key: RunKey,
    threshold: Threshold,
    windows: Windows,
) -> list[Summary]:
    """Summarise a threshold's metric under its tag filter; empty when nothing matches."""
    metric, tags = CATALOG[threshold.metric], threshold.tags
    aggregates = _aggregates(metric, bounds=have_bounds(connection, key, [metric]))
    for extra in _whole_first(metric, tags):
        where, parameters = _filter(key, threshold, extra)
        row = connection.execute(
            f"select count(value), {aggregates} from ({metric_rows(metric.name)}) where {where}",
            parameters,
        ).fetchone()
        if row is not None and row[0]:
            summary = replace(_summary(metric.name, (), row[1:]), tags=dict(tags))
            return [with_rate(summary, metric, windows, threshold.scenarios)]
    return []


def figure_of(
    connection: duckdb.DuckDBPyConnection,
    key: RunKey,
    threshold: Threshold,
    windows: Callable[[], Windows],
    *,
    is_pruned: bool = False,
) -> float | None:
    """Compute the figure that a threshold judges; None when nothing was measured.

    It is exact, except for percentiles of a pruned benchmark, which come from its histograms. A
    counter with a filter on status, outcome or error that nothing matches is 0.0 when its
    metric has values without that filter: no 500 among a thousand requests is a fact.
    """
    return finished_figure(
        threshold,
        windows,
        lambda threshold: _figure(connection, key, threshold, is_pruned=is_pruned),
    )


def finished_figure(
    threshold: Threshold,
    windows: Callable[[], Windows],
    raw: Callable[[Threshold], float | None],
) -> float | None:
    """Turn the raw figure of a threshold into the one that it judges.

    Args:
        threshold: which figure.
        windows: gives those of the benchmark; asked only for a rate.
        raw: gives a figure under a filter, a counter's rate still as its sum.
    """
    metric = CATALOG[threshold.metric]
    found = raw(threshold)
    if found is None and metric.kind is Kind.COUNTER and _ENDINGS & threshold.tags.keys():
        return None if raw(unfiltered(threshold)) is None else 0.0
    if found is None or metric.kind is not Kind.COUNTER or threshold.statistic != "rate":
        return found
    seconds = windows().seconds(threshold.tags, threshold.scenarios)
    return found / seconds if seconds else None


def unfiltered(threshold: Threshold) -> Threshold:
    """Return the threshold over operations however they ended."""
    rest = {name: text for name, text in threshold.tags.items() if name not in _ENDINGS}
    return replace(threshold, tags=rest)


def _figure(
    connection: duckdb.DuckDBPyConnection, key: RunKey, threshold: Threshold, *, is_pruned: bool
) -> float | None:
    metric = CATALOG[threshold.metric]
    if is_pruned and metric.name in KEPT:
        return figure_from_histograms(connection, key, threshold)
    figure = threshold_sql(threshold)
    if have_bounds(connection, key, [metric]):
        figure = raised(figure, threshold.statistic)
    for extra in _whole_first(metric, threshold.tags):
        where, parameters = _filter(key, threshold, extra)
        row = connection.execute(
            f"select {figure} from ({metric_rows(metric.name)}) where {where}",
            parameters,
        ).fetchone()
        if row is not None and row[0] is not None:
            return float(row[0])
    return None


def _aggregates(metric: Metric, *, bounds: bool) -> str:
    return TREND_WITH_BOUNDS if bounds and takes_bounds(metric) else summary_sql(metric.kind)


def _whole_first(metric: Metric, tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return the conditions to try in turn: whole sources only, then any."""
    if metric.name in FROM_READINGS and "source" not in tags:
        return (_NO_PARTS, "true")
    if metric.name in FROM_VUS and "scenario" not in tags:
        return ("scenario = ''",)
    if (own := figure_tag(metric)) and own not in tags:
        return ("operation = ''",)  # where that of all is not known, none of them stands in
    return ("true",)


def _filter(
    key: RunKey, threshold: Threshold, extra: str
) -> tuple[str, dict[str, str | list[str]]]:
    conditions, parameters = tag_conditions(threshold.tags, threshold.scenarios)
    parameters |= key.parameters
    return " and ".join([OF_KEY, *conditions, extra]), parameters


def _grouping(metric: Metric, windows: Windows) -> tuple[tuple[str, ...], str]:
    """Choose the tag columns and the GROUP BY of a metric's summaries."""
    if metric.name in FROM_FIGURES:
        return ("scenario", "operation"), "metric, scenario, operation"
    if metric.name in FROM_READINGS:
        return ("source",), "metric, source"
    if metric.name in FROM_VUS:
        return ("scenario",), "metric, scenario"
    if "scenario" not in metric.tags:
        return (), "metric"
    by_operation = windows.telling_operations and metric.name in BY_OPERATION
    columns = ("scenario",) * (len(windows.scenarios) > 1) + ("operation",) * bool(by_operation)
    sets = ", ".join(["(metric)", *(f"(metric, {column})" for column in columns)])
    return columns, f"grouping sets ({sets})"


def _is_wanted(columns: tuple[str, ...], row: tuple[Any, ...], windows: Windows) -> bool:
    """Leave out an operation that is just the whole of one scenario."""
    is_not_by_operation = columns[-1:] != ("operation",) or bool(row[1] & 1)
    return is_not_by_operation or row[1 + len(columns)] in windows.telling_operations


def _summary(metric: str, columns: tuple[str, ...], row: tuple[Any, ...]) -> Summary:
    own = figure_tag(CATALOG[metric])
    tags = {own or name: text for name, text in zip(columns, row, strict=False) if text}
    return Summary(metric, tags, *row[len(columns) :])


def whole_of(metric: Metric, found: list[Summary], windows: Windows) -> list[Summary]:
    """Derive rows that are the same as another: of the only scenario, of the only whole source."""
    if metric.name in IMPORTED:
        return []  # each of its sources is something else
    if metric.name in FROM_READINGS:
        wholes = [summary for summary in found if _is_whole(summary.tags["source"])]
        return [replace(wholes[0], tags={})] if len(wholes) == 1 else []
    by_part = "scenario" in metric.tags and metric.name not in FROM_FIGURES | FROM_VUS
    if by_part and len(windows.scenarios) == 1:
        (scenario,) = windows.scenarios
        return [
            replace(summary, tags={"scenario": scenario}) for summary in found if not summary.tags
        ]
    return []


def _is_whole(source: str) -> bool:
    return "/" not in source and source != "lo"


def with_rate(
    summary: Summary, metric: Metric, windows: Windows, scenarios: Collection[str] = ()
) -> Summary:
    """Return the summary of a counter with its rate, and that of any other metric as it is."""
    if metric.kind is not Kind.COUNTER:
        return summary
    seconds = windows.seconds(summary.tags, scenarios)
    return replace(summary, rate=summary.count / seconds if seconds else None)
