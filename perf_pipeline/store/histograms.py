"""Keep the distribution of every metric for ever, so that a pruned run still answers.

One row per metric and combination of tags, filled by SQL from the raw rows; a tag filter is the sum
of the rows that match it. What a histogram is stands in metrics/histogram.py.

Add here: nothing for a new metric of samples, iterations or the ledger; they are kept by
themselves. Keep out: metrics whose raw rows are never pruned (readings, figures, counts).
"""

from collections.abc import Collection, Iterable, Sequence
from functools import reduce
from typing import Final

import duckdb

from perf_pipeline.metrics.catalog import CATALOG, Kind, Metric
from perf_pipeline.metrics.histogram import EMPTY, LEAST, LOG_GAMMA, RELATIVE_ERROR, Histogram
from perf_pipeline.metrics.threshold import Threshold
from perf_pipeline.store.censoring import UNDECIDED
from perf_pipeline.store.filters import tag_conditions
from perf_pipeline.store.ledger_sql import FROM_LEDGER
from perf_pipeline.store.metric_sql import FROM_ITERATIONS, FROM_SAMPLES, rows_of
from perf_pipeline.store.proof import seal
from perf_pipeline.store.records import OF_KEY, RunKey

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
    select {{names}}, cast({BUCKET} as integer) as bucket, count(*) as times, sum(value) as total,
        min(value) as minimum, max(value) as maximum
    from ({{rows}}) where {OF_KEY} group by {{names}}, bucket
) {{other_names}}
group by {_GROUP}
"""
_EXACT: Final = f"""
{_INSERT}
select $run_id, $benchmark, {_GROUP}, times, total, minimum, maximum, {RELATIVE_ERROR!r}, [], []
from (
    select {{names}}, sum(weight) as times, sum(value * weight) as total, min(value) as minimum,
        max(value) as maximum
    from ({{rows}}) where {OF_KEY} group by {{names}}
) {{other_names}}
"""
_FEW_ROWS: Final = 50_000
_FEW: Final = f"select count(*) <= {_FEW_ROWS} from samples where {OF_KEY}"
_NAMES: Final = f"""
select distinct scenario, operation, cast(status as varchar) as status, outcome, error
from samples where {OF_KEY} and phase = 'measured'
"""
# What is left out first takes longest to group by, or tells least.
_LEFT_OUT_FIRST: Final = ("error", "outcome", "status", "scenario", "operation")
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
    connection.execute(_DELETE, key.parameters)
    kept = [metric for metric in metrics if metric.name in KEPT]
    has_few = _has_few(connection, key)
    telling = _TAGS if has_few else _telling_tags(connection, key)
    for statement, is_trend in ((_TREND, True), (_EXACT, False)):
        names = [metric.name for metric in kept if (metric.kind is Kind.TREND) == is_trend]
        of_samples = [name for name in names if name in FROM_SAMPLES]
        others = [name for name in names if name not in FROM_SAMPLES]
        if telling == _TAGS:
            of_samples, others = [], names
        _write(connection, key, statement, rows_of(of_samples, few_samples=has_few), telling)
        _write(connection, key, statement, rows_of(others, few_samples=has_few), _TAGS)
    seal(connection, [key], ["histograms"])


def _write(
    connection: duckdb.DuckDBPyConnection,
    key: RunKey,
    statement: str,
    rows: str,
    telling: Sequence[str],
) -> None:
    """Fill the rows of some metrics, grouped by the tags that tell all the others."""
    if not rows:
        return
    other_names = f"join ({_NAMES}) using ({', '.join(telling)})" if telling != _TAGS else ""
    names = ", ".join(("metric", *telling))
    sql = statement.format(rows=rows, names=names, other_names=other_names)
    connection.execute(sql, key.parameters)


def _has_few(connection: duckdb.DuckDBPyConnection, key: RunKey) -> bool:
    (has_few,) = connection.execute(_FEW, key.parameters).fetchone() or (True,)
    return bool(has_few)


def _telling_tags(connection: duckdb.DuckDBPyConnection, key: RunKey) -> tuple[str, ...]:
    """Return tags that say what the other tags of a sample are, e.g. where each request is a 200.

    Grouping by five texts takes twice as long as by one; of few samples it is not worth a question.
    """
    return telling_tags(connection.execute(_NAMES, key.parameters).fetchall())


def telling_tags(found: Collection[tuple[str, ...]]) -> tuple[str, ...]:
    """Return at least one of the tags that together tell all rows apart, in their order.

    Args:
        found: rows of scenario, operation, status, outcome, error; none twice.

    >>> telling_tags([("day", "read", "200", "ok", ""), ("day", "write", "200", "ok", "")])
    ('operation',)
    """
    telling = list(_TAGS)
    for name in _LEFT_OUT_FIRST:
        fewer = [tag for tag in telling if tag != name]
        places = [_TAGS.index(tag) for tag in fewer]
        if fewer and len({tuple(row[at] for at in places) for row in found}) == len(found):
            telling = fewer
    return tuple(telling)


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
