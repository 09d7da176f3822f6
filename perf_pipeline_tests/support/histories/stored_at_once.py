"""Store many made-up benchmarks with few statements: the rows that their spools would become.

To bring in a spool takes 90 statements, 70 ms of CPU, and a test begins with dozens of runs.
integration/store/test_stored_at_once.py holds the rows against those of `History.ingest`.
Add here: a column that a comparison reads. Keep out: samples; a run with some is brought in.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import duckdb

from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.summary import FIGURES, Summary
from perf_pipeline.store.begun_run import utc_timestamp, write_run
from perf_pipeline.store.history import History
from perf_pipeline.store.ingest import KEYED_TABLES, transaction
from perf_pipeline.store.proof import _makers, seal
from perf_pipeline.store.records import BenchmarkOutcome, RunKey, RunRecord
from perf_pipeline.store.tables import insert_rows
from perf_pipeline.store.tags_text import tags_text

_BENCHMARK: Final = (
    "run_id, benchmark, status, began_at, wall_s, measured_s, valid, invalid_reasons, load_hash, "
    "ingested_at, health, problems, damage, torn_lines, raw_kept"
)
_SUMMARY: Final = ", ".join(("run_id, benchmark, kind, unit, metric, tags", *FIGURES))
_IS_LAST: Final = """
select not exists (from runs as later where later.began_at > this.began_at)
from runs as this where this.run_id = ?
"""
_LATER: Final = """
insert into runs select * replace (
    unnest(?::varchar[]) as run_id, unnest(?::timestamp[]) as began_at,
    made_as + unnest(range(1, ?)) as made_as
) from runs where run_id = ?
"""
# What has no row has a digest as well, which takes longer to work out than all else together.
_FILLED: Final = ("benchmarks", "summaries")
_DIGEST: Final = "run_id, benchmark, table_name, made_by, row_count, digest"


@dataclass(frozen=True, slots=True)
class WithoutSamples:
    """Hold a run of which only the outcomes and the summaries are made up.

    Attributes:
        record: the run.
        outcomes: of its benchmarks, each without scenarios, checks and health.
        summaries: of each of its benchmarks, by name.
    """

    record: RunRecord
    outcomes: Sequence[BenchmarkOutcome]
    summaries: Mapping[str, list[Summary]]


def store_at_once(history: History, runs: Sequence[WithoutSamples]) -> None:
    """Store runs that the history does not have, in one transaction."""
    connection = history.connection
    with transaction(connection):
        for alike in _alike([run.record for run in runs]):
            _write_runs(connection, alike)
        insert_rows(connection, "benchmarks", _BENCHMARK, [*_rows_of(runs, _benchmark_rows)])
        insert_rows(connection, "summaries", _SUMMARY, [*_rows_of(runs, _summary_rows)])
        keys = [RunKey(run.record.run_id, made.benchmark) for run in runs for made in run.outcomes]
        seal(connection, keys, _FILLED)
        makers = _makers(connection)
        empty = [(table, makers[table]) for table in KEYED_TABLES if table not in _FILLED]
        sealed = [(key.run_id, key.benchmark, *table, 0, 0) for key in keys for table in empty]
        insert_rows(connection, "digests", _DIGEST, sealed)


def _alike(records: Sequence[RunRecord]) -> Iterator[list[RunRecord]]:
    """Divide runs where one is more than a later run of what the one before was of."""
    found: list[RunRecord] = []
    for record in records:
        if found and (
            record.began_at <= found[-1].began_at
            or record != replace(found[0], run_id=record.run_id, began_at=record.began_at)
        ):
            yield found
            found = []
        found.append(record)
    if found:
        yield found


def _write_runs(connection: duckdb.DuckDBPyConnection, alike: Sequence[RunRecord]) -> None:
    """Write the first as a run is written, and the others as copies, where none began later."""
    first, *others = alike
    write_run(connection, first)
    ((is_last,),) = connection.execute(_IS_LAST, [first.run_id]).fetchall()
    if is_last and others:
        moments = [utc_timestamp(other.began_at) for other in others]
        ids = [other.run_id for other in others]
        connection.execute(_LATER, [ids, moments, len(alike), first.run_id])
    else:
        for other in others:
            write_run(connection, other)


def _rows_of(
    runs: Sequence[WithoutSamples], rows: Callable[[WithoutSamples], Iterable[tuple[object, ...]]]
) -> Iterator[tuple[object, ...]]:
    for run in runs:
        yield from rows(run)


def _benchmark_rows(run: WithoutSamples) -> Iterator[tuple[object, ...]]:
    now = datetime.now(UTC).replace(tzinfo=None)
    for made in run.outcomes:
        assert not [*made.scenarios, *made.checks, *made.health, *made.problems]
        yield (
            run.record.run_id,
            made.benchmark,
            made.status,
            utc_timestamp(made.began_at),
            made.wall_s,
            made.measured_s,
            made.valid,
            list(made.invalid_reasons),
            made.load_hash,
            now,
            {},
            [],
            [],
            0,
            True,
        )


def _summary_rows(run: WithoutSamples) -> Iterator[tuple[object, ...]]:
    for benchmark, summaries in run.summaries.items():
        for summary in summaries:
            metric = CATALOG[summary.metric]
            named = (str(metric.kind), metric.unit, summary.metric, tags_text(summary.tags))
            yield (
                run.record.run_id,
                benchmark,
                *named,
                *(getattr(summary, name) for name in FIGURES),
            )
