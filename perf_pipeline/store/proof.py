"""Prove that a benchmark's rows are those that were written: their number, and a sum of hashes.

DuckDB knows the checksum of each block of its file, and not that a block is where it belongs: one
that was overwritten by a copy of another is whole. A digest costs 0.1 us a row.
Add here: nothing for a new table; whoever writes one with rows by benchmark seals it. Keep out:
damage of the spool (spool_manifest.py), and files that DuckDB itself refuses (foreign_files.py).
"""

from collections.abc import Iterable, Mapping
from typing import Final

import duckdb

from perf_pipeline.errors import StoreError
from perf_pipeline.store.records import RunKey

_COLUMNS: Final = """
select table_name, string_agg(column_name, ' ' order by column_index) from duckdb_columns()
where database_name = current_database() group by table_name
"""
_SEAL: Final = """
insert or replace into digests (run_id, benchmark, table_name, row_count, digest, made_by)
select $run_id, $benchmark, '{table}', count(*), coalesce(sum(hash(each)::hugeint), 0), $made_by
from {table} as each where run_id = $run_id and benchmark = $benchmark
"""
# Another version of DuckDB may hash otherwise, and a column that came later is in the hash, too:
# what was sealed before is not proven then, and not wrong.
_SEALED: Final = """
select table_name, run_id, benchmark, made_by, row_count, digest from digests
where {chosen} order by table_name, run_id, benchmark
"""
_FOUND: Final = """
select run_id, benchmark, count(*), sum(hash(each)::hugeint)
from {table} as each where {chosen} group by run_id, benchmark
"""
_ALL: Final = "true"
_ONE: Final = "run_id = ?"


def seal(connection: duckdb.DuckDBPyConnection, key: RunKey, tables: Iterable[str]) -> None:
    """Write down what a benchmark's rows in some tables are; in the transaction that wrote them."""
    makers = _makers(connection)
    identity = {"run_id": key.run_id, "benchmark": key.benchmark}
    for table in tables:
        connection.execute(_SEAL.format(table=table), {**identity, "made_by": makers[table]})


def require_proven(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    tables: Iterable[str] = (),
    *,
    once: set[str],
) -> None:
    """Refuse rows that are not those that were written.

    Args:
        connection: to the history.
        run_id: of the run; empty means all of them.
        tables: to look at; all that were sealed for the run when empty.
        once: runs that were looked at, which is done once for an open history; it is added to.

    Raises:
        StoreError: names the table, the run and the numbers of rows.
    """
    if run_id in once:
        return
    chosen, given = (_ONE, [run_id]) if run_id else (_ALL, list[str]())
    sealed = connection.execute(_SEALED.format(chosen=chosen), given).fetchall()
    makers = _makers(connection)
    wanted = set(tables) or {table for table, *_ in sealed}
    for table in sorted(wanted & set(makers)):
        rows = connection.execute(_FOUND.format(table=table, chosen=chosen), given).fetchall()
        found = {(run, benchmark): (count, digest) for run, benchmark, count, digest in rows}
        for name, run, benchmark, made_by, *written in sealed:
            if name != table or made_by != makers[table]:
                continue
            there = found.get((run, benchmark), (0, 0))
            if there != tuple(written):
                raise _changed(table, run, benchmark, there[0], written[0])
    once.add(run_id)


def _changed(table: str, run: str, benchmark: str, found: int, sealed: int) -> StoreError:
    what = f"{found:,} rows, and {sealed:,} were written"
    if found == sealed:
        what = f"{found:,} rows, and others than were written"
    return StoreError(
        f"the history is damaged: table {table} has of {benchmark} in run {run} {what}; a part "
        "of its file was overwritten, or its rows were changed by hand",
        hint="put a copy of the history in its place; a run that is still in the spool comes back "
        "with `perf-pipeline ingest RUN`",
    )


def _makers(connection: duckdb.DuckDBPyConnection) -> Mapping[str, str]:
    """Say by table what its digests depend on beside its rows."""
    tables = connection.execute(_COLUMNS).fetchall()
    return {name: f"duckdb {duckdb.__version__}: {columns}" for name, columns in tables}
