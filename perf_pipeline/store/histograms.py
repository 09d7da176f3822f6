"""Keep the distribution of every metric for ever, so that a pruned run still answers.

One row per metric and combination of tags, filled by SQL from the raw rows; a tag filter is the sum
of the rows that match it. What a histogram is stands in metrics/histogram.py.

Add here: nothing for a new metric of samples, iterations or the ledger; they are kept by
themselves. Keep out: metrics whose raw rows are never pruned (readings, figures, counts).
"""

from collections.abc import Iterable
from functools import reduce
from typing import Final

import duckdb

from perf_pipeline.metrics.catalog import CATALOG, Kind, Metric
from perf_pipeline.metrics.histogram import EMPTY, LEAST, LOG_GAMMA, RELATIVE_ERROR, Histogram
from perf_pipeline.metrics.summary import Summary
from perf_pipeline.metrics.threshold import Threshold
from perf_pipeline.store.censoring import UNDECIDED
from perf_pipeline.store.filters import tag_conditions
from perf_pipeline.store.ingest import transaction
from perf_pipeline.store.ledger_sql import FROM_LEDGER
from perf_pipeline.store.metric_sql import FROM_ITERATIONS, FROM_SAMPLES, rows_of
from perf_pipeline.store.proof import seal
from perf_pipeline.store.records import OF_KEY, RunKey
from perf_pipeline.store.tables import put_summaries
from perf_pipeline.store.tallies import Tallies, tallied

KEPT: Final = frozenset(FROM_SAMPLES) | FROM_ITERATIONS | FROM_LEDGER
_TAGS: Final = ("scenario", "operation", "status", "outcome", "error")
_GROUP: Final = ", ".join(("metric", *_TAGS))
BUCKET: Final = (
    f"case when abs(value) <= {LEAST!r} then 0 "
    f"else sign(value) * greatest(1, ceil(ln(abs(value) / {LEAST!r}) / {LOG_GAMMA!r})) end"
)
_INSERT: Final = f"""
insert into histograms (run_id, benchmark, {_GROUP}, count, total, minimum, maximum,
    relative_error, buckets, counts)
"""
_TREND: Final = f"""
{_INSERT}
select $run_id, $benchmark, {_GROUP}, sum(times), sum(total), min(minimum), max(maximum),
    {RELATIVE_ERROR!r}, list(bucket order by bucket), list(times order by bucket)
from (
    select {_GROUP}, cast({BUCKET} as integer) as bucket, count(*) as times, sum(value) as total,
        min(value) as minimum, max(value) as maximum
    from ({{rows}}) where {OF_KEY} group by {_GROUP}, bucket
)
group by {_GROUP}
"""
_EXACT: Final = f"""
{_INSERT}
select $run_id, $benchmark, {_GROUP}, sum(weight), sum(value * weight), min(value), max(value),
    {RELATIVE_ERROR!r}, [], []
from ({{rows}}) where {OF_KEY} group by {_GROUP}
"""
# From how often each value occurs: by numbers, as grouping by texts takes longer. What adds up to a
# total is whole numbers, so that it is exact. Only a trend has buckets.
_TALLIED: Final = f"""
{_INSERT}
select $run_id, $benchmark, metric, scenario, operation, cast(status as varchar), outcome, error,
    times, total, minimum, maximum, {RELATIVE_ERROR!r}, buckets, counts
from (
    select metric_id, alike, sum(times) as times, sum(total)::double / any_value(divisor) as total,
        min(minimum) as minimum, max(maximum) as maximum,
        coalesce(list(bucket order by bucket) filter (where bucket is not null), []) as buckets,
        coalesce(list(times order by bucket) filter (where bucket is not null), []) as counts
    from (
        select metric_id, alike, sum(times)::bigint as times,
            case when is_trend then cast({BUCKET} as integer) end as bucket,
            sum(whole::hugeint * times) as total, min(value) as minimum, max(value) as maximum,
            any_value(divisor) as divisor
        from (
            select metric_id, alike, value as whole, value / divisor as value, divisor, times,
                list_contains($trends::varchar[], metric) as is_trend
            from tallies join fed using (word, kind)
            where list_contains($metrics::varchar[], metric)
        ) group by metric_id, alike, bucket
    ) group by metric_id, alike
)
join (select distinct metric_id, metric from fed) using (metric_id)
join (from sample_kinds where {OF_KEY}) as kinds on kinds.kind = alike
"""
_DELETE: Final = f"delete from histograms where {OF_KEY}"
_READ: Final = "select count, total, minimum, maximum, buckets, counts from histograms where "


def write_histograms(
    connection: duckdb.DuckDBPyConnection, key: RunKey, metrics: Iterable[Metric]
) -> None:
    """Replace the histograms of a benchmark by those of its raw rows.

    Args:
        connection: to the history.
        key: a benchmark with its raw rows.
        metrics: all that may have values (`metrics_of`).
    """
    some = [*metrics]
    with tallied(connection, key, some) as tallies:
        _put_histograms(tallies, key, some)
    seal(connection, [key], ["histograms"])


def write_figures(
    tallies: Tallies, key: RunKey, summaries: Iterable[Summary], metrics: Iterable[Metric]
) -> None:
    """Replace the summaries of a benchmark and its histograms, all of them or none.

    Args:
        tallies: the tallies of its samples, for these metrics.
        key: the key of the benchmark.
        summaries: its summaries.
        metrics: all that may have values.

    Raises:
        ValueError: a metric is summarised twice under the same filter.
    """
    connection = tallies.connection
    with transaction(connection):
        put_summaries(connection, key, summaries)
        _put_histograms(tallies, key, metrics)
        seal(connection, [key], ["summaries", "histograms"])


def _put_histograms(tallies: Tallies, key: RunKey, metrics: Iterable[Metric]) -> None:
    connection = tallies.connection
    connection.execute(_DELETE, key.parameters)
    kept = [metric for metric in metrics if metric.name in KEPT]
    trends = [metric.name for metric in kept if metric.kind is Kind.TREND]
    of_samples = [metric.name for metric in kept if tallies.fed.get(metric.name)]
    if of_samples:
        given = {**key.parameters, "metrics": of_samples, "trends": trends}
        connection.execute(_TALLIED, given)
    others = [metric.name for metric in kept if metric.name not in FROM_SAMPLES]
    for statement, is_trend in ((_TREND, True), (_EXACT, False)):
        if names := [name for name in others if (name in trends) == is_trend]:
            connection.execute(statement.format(rows=rows_of(names)), key.parameters)


def has_histograms(connection: duckdb.DuckDBPyConnection, key: RunKey) -> bool:
    """Tell whether a benchmark's distributions are kept."""
    row = connection.execute(
        "select 1 from histograms where run_id = ? and benchmark = ? limit 1",
        [key.run_id, key.benchmark],
    ).fetchone()
    return row is not None


def is_from_buckets(threshold: Threshold) -> bool:
    """Tell whether a threshold's figure of a pruned benchmark is right within an error only."""
    is_percentile = threshold.percentile is not None or threshold.statistic == "med"
    return threshold.metric in KEPT and is_percentile


def figure_from_histograms(
    connection: duckdb.DuckDBPyConnection, key: RunKey, threshold: Threshold
) -> float | None:
    """Compute what a threshold judges, a counter's rate still as its sum; None without values.

    Percentiles are right within `RELATIVE_ERROR`, everything else exactly.
    """
    figure = figure_from(_histogram(connection, key, threshold), threshold)
    if figure is None or CATALOG[threshold.metric].kind is not Kind.TREND:
        return figure
    ended = figure_from(_histogram(connection, key, threshold, f"not ({UNDECIDED})"), threshold)
    if ended is None:
        return figure
    # As from the raw rows: lower bounds raise a figure and never lower one (lower_bounds.py).
    return ended if threshold.statistic == "min" else max(figure, ended)


def figure_from(found: Histogram, threshold: Threshold) -> float | None:
    """Return what a threshold judges of a distribution, a counter's rate as its sum; None if empty.

    Percentiles are right within `RELATIVE_ERROR`, everything else exactly.
    """
    if not found.count:
        return None
    if threshold.percentile is not None:
        return found.percentile(threshold.percentile)
    if CATALOG[threshold.metric].kind is Kind.COUNTER:
        return found.total
    return {
        "med": found.percentile(50),
        "avg": found.total / found.count,
        "rate": found.total / found.count,
        "min": found.minimum,
        "max": found.maximum,
    }[threshold.statistic]


def _histogram(
    connection: duckdb.DuckDBPyConnection,
    key: RunKey,
    threshold: Threshold,
    extra: str = "true",
) -> Histogram:
    """Add up the histograms that a tag filter, and a condition, let through."""
    conditions, parameters = tag_conditions(threshold.tags, threshold.scenarios)
    where = " and ".join([OF_KEY, "metric = $metric", *conditions, extra])
    parameters |= {**key.parameters, "metric": threshold.metric}
    rows = connection.execute(f"{_READ}{where}", parameters).fetchall()
    parts = (
        Histogram(count, total, minimum, maximum, dict(zip(buckets, counts, strict=True)))
        for count, total, minimum, maximum, buckets, counts in rows
    )
    return reduce(Histogram.plus, parts, EMPTY)
