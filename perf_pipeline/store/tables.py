"""Write and read the small tables: summaries, verdicts, diffs, as rows of our own types.

Add here: a table of results with a type of its own. Keep out: raw samples (ingest.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Final

import duckdb

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.summary import FIGURES, Summary
from perf_pipeline.metrics.threshold import Status, Threshold, Verdict
from perf_pipeline.store.columns import columns_of
from perf_pipeline.store.comparison_rows import DiffRow
from perf_pipeline.store.ingest import transaction
from perf_pipeline.store.proof import seal
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.tags_text import read_tags, tags_text

_SUMMARY_COLUMNS: Final = ", ".join(("metric", "tags", *FIGURES))
_SUMMARY_INSERT: Final = f"run_id, benchmark, kind, unit, {_SUMMARY_COLUMNS}"
_VERDICT_COLUMNS: Final = (
    "metric, tags, statistic, percentile, comparison, bound, source, severity, abort_on_fail, "
    "delay_abort_eval_us, observed, status, reason"
)
DIFF_COLUMNS: Final = ", ".join(field.name for field in fields(DiffRow))


def put_summaries(
    connection: duckdb.DuckDBPyConnection, key: RunKey, summaries: Iterable[Summary]
) -> None:
    """Replace the summaries of a benchmark in a transaction whose owner seals them.

    Raises:
        ValueError: a metric is summarised twice under the same filter.
    """
    rows = []
    for summary in summaries:
        metric = CATALOG[summary.metric]
        named = (str(metric.kind), metric.unit, summary.metric, tags_text(summary.tags))
        figures = (getattr(summary, name) for name in FIGURES)
        rows.append((key.run_id, key.benchmark, *named, *figures))
    if len({row[4:6] for row in rows}) < len(rows):
        raise ValueError(f"a summary of {key.benchmark} is there twice; each figure has one")
    _put_rows(connection, [key], "summaries", _SUMMARY_INSERT, rows)


def write_verdicts(
    connection: duckdb.DuckDBPyConnection, verdicts: Mapping[RunKey, Sequence[Verdict]]
) -> None:
    """Replace the verdicts of benchmarks, all of them or none; their order is kept."""
    rows = [
        (key.run_id, key.benchmark, position, *_verdict_row(verdict))
        for key, given in verdicts.items()
        for position, verdict in enumerate(given)
    ]
    replace_rows(
        connection,
        [*verdicts],
        "verdicts",
        f"run_id, benchmark, position, {_VERDICT_COLUMNS}",
        rows,
    )


def _verdict_row(verdict: Verdict) -> tuple[object, ...]:
    threshold = verdict.threshold
    return (
        threshold.metric,
        tags_text(threshold.tags),
        threshold.statistic,
        threshold.percentile,
        threshold.comparison,
        threshold.bound,
        threshold.source,
        threshold.severity,
        threshold.abort_on_fail,
        threshold.delay_abort_eval_us,
        verdict.observed,
        str(verdict.status),
        verdict.reason,
    )


def read_summaries(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[tuple[str, Summary]]:
    """List a run's summaries as (benchmark, summary), ordered by benchmark, metric, tags."""
    rows = connection.execute(
        f"select benchmark, {_SUMMARY_COLUMNS} from summaries where run_id = ? "
        "order by benchmark, metric, tags",
        [run_id],
    ).fetchall()
    return [(row[0], Summary(row[1], read_tags(row[2]), *row[3:])) for row in rows]


def read_verdicts(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[tuple[str, Verdict]]:
    """List a run's verdicts as (benchmark, verdict), in the order of writing."""
    rows = connection.execute(
        f"select benchmark, {_VERDICT_COLUMNS} from verdicts where run_id = ? "
        "order by benchmark, position",
        [run_id],
    ).fetchall()
    verdicts = []
    for benchmark, metric, tags, *rest, observed, status, reason in rows:
        threshold = Threshold(metric, read_tags(tags), *rest)
        verdicts.append((benchmark, Verdict(threshold, observed, Status(status), reason)))
    return verdicts


def read_diffs(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[tuple[str, DiffRow]]:
    """List a run's diffs as (benchmark, diff), in the order of writing."""
    rows = connection.execute(
        f"select benchmark, {DIFF_COLUMNS} from diffs where run_id = ? "
        "order by benchmark, position",
        [run_id],
    ).fetchall()
    return [(row[0], DiffRow(*row[1:])) for row in rows]


def replace_rows(
    connection: duckdb.DuckDBPyConnection,
    keys: Sequence[RunKey],
    table: str,
    columns: str,
    rows: Sequence[tuple[object, ...]],
) -> None:
    """Replace what a table has of benchmarks, and seal it, in one transaction.

    Args:
        connection: to the history.
        keys: which benchmarks; nothing happens without one.
        table: the table of results.
        columns: names, as in SQL.
        rows: a value for each of the columns.
    """
    if not keys:
        return
    with transaction(connection):
        _put_rows(connection, keys, table, columns, rows)
        seal(connection, keys, [table])


def _put_rows(
    connection: duckdb.DuckDBPyConnection,
    keys: Sequence[RunKey],
    table: str,
    columns: str,
    rows: Sequence[tuple[object, ...]],
) -> None:
    connection.execute(
        f"delete from {table} where (run_id, benchmark) in "
        "(select unnest($runs::varchar[]), unnest($benchmarks::varchar[]))",
        {"runs": [key.run_id for key in keys], "benchmarks": [key.benchmark for key in keys]},
    )
    insert_rows(connection, table, columns, rows)


def insert_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: str,
    rows: Sequence[tuple[object, ...]],
) -> None:
    """Insert by column: a parameter for each value takes minutes for a hundred thousand rows.

    Args:
        connection: to the history.
        table: to insert into; nothing happens without rows.
        columns: names, as in SQL.
        rows: a value for each of the columns.
    """
    if not rows:
        return
    types = columns_of(connection)[table]
    lists = ", ".join(f"unnest(?::{types[name]}[])" for name in columns.split(", "))
    connection.execute(
        f"insert into {table} ({columns}) select {lists}",
        [list(column) for column in zip(*rows, strict=True)],
    )
