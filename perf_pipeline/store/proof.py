"""Prove that a benchmark's rows are those that were written: their number, and a sum of hashes.

DuckDB knows the checksum of each block of its file, and not that a block is where it belongs: one
that was overwritten by a copy of another is whole. A digest costs 0.1 us a row.
Add here: nothing for a new table; whoever writes one with rows by benchmark seals it. Keep out:
damage of the spool (spool_manifest.py), and files that DuckDB itself refuses (foreign_files.py).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Final

import duckdb

from perf_pipeline.errors import StoreError
from perf_pipeline.store.columns import columns_of
from perf_pipeline.store.records import OF_KEY, RunKey

# One aggregate over the rows of all tables: DuckDB takes twice as long to plan one for each.
_ROWS: Final = """
select '{table}' as table_name, run_id, benchmark, 1 as row_count, hash(each) as row_hash
from {table} as each where {chosen}
"""
_FOUND: Final = """
select table_name, run_id, benchmark, sum(row_count) as row_count, sum(row_hash::hugeint) as digest
from ({rows}) group by table_name, run_id, benchmark
"""
# Of one benchmark a sum for each table, after all: nothing is grouped, which takes half as long.
_OF_ONE: Final = f"""
select '{{table}}', $run_id, $benchmark, count(*), coalesce(sum(hash(each)::hugeint), 0)
from {{table}} as each where {OF_KEY}
"""
_MADE_BY: Final = "(select unnest($tables::varchar[]) as table_name, unnest($makers) as made_by)"
_UNSEAL: Final = """
delete from digests where (run_id, benchmark, table_name) in (
    select unnest($runs::varchar[]), unnest($benchmarks::varchar[]), unnest($tables::varchar[]))
"""
_SEAL: Final = """
insert into digests (run_id, benchmark, table_name, row_count, digest, made_by)
select unnest($runs::varchar[]), unnest($benchmarks::varchar[]), unnest($tables::varchar[]),
    unnest($counts::bigint[]), unnest($digests::hugeint[]), unnest($makers::varchar[])
"""
# Another version of DuckDB may hash otherwise, and a column that came later is in the hash, too:
# what was sealed before is not proven then, and not wrong.
_WRONG: Final = f"""
select table_name, run_id, benchmark, coalesce(found.row_count, 0), digests.row_count
from digests join {_MADE_BY} using (table_name, made_by)
left join ({{found}}) as found using (table_name, run_id, benchmark)
where {{chosen}} and (coalesce(found.row_count, 0) <> digests.row_count
    or coalesce(found.digest, 0) <> digests.digest)
order by table_name, run_id, benchmark limit 1
"""
_SEALED_TABLES: Final = "select distinct table_name from digests where run_id = ?"
_IS_SEALED: Final = "select 1 from digests where run_id = ? and benchmark = ? limit 1"
_ALL: Final = "true"
_NO_ROWS: Final = (0, 0)
# DuckDB passes over the rows of runs before the first and after the last without looking at them.
# Between these it has to look at every row, as a statement that reads them may: of a bare `run_id`
# that is one of a few, it would pass over each row group that none of them was written to.
_ONE: Final = "run_id = $first"
_SEVERAL: Final = (
    "run_id between $first and $last and substr(run_id, 1) in (select unnest($chosen::varchar[]))"
)


def seal(
    connection: duckdb.DuckDBPyConnection,
    keys: Collection[RunKey],
    tables: Iterable[str],
    *,
    empty: Collection[str] = (),
) -> None:
    """Store a digest of benchmarks' rows, in the transaction that wrote them.

    Args:
        connection: to the history.
        keys: the keys of the benchmarks.
        tables: with their rows.
        empty: those of the tables that have none, which are not looked at. Where that is wrong, it
            is damage to whoever reads a row of them.
    """
    all_makers = _makers(connection)
    makers = {table: all_makers[table] for table in tables}
    found = _digests(connection, keys, makers.keys() - empty)
    sealed = [(table, key.run_id, key.benchmark) for key in keys for table in makers]
    names = {
        "tables": [table for table, _, _ in sealed],
        "runs": [run_id for _, run_id, _ in sealed],
        "benchmarks": [benchmark for _, _, benchmark in sealed],
    }
    figures = {
        "counts": [found.get(place, _NO_ROWS)[0] for place in sealed],
        "digests": [found.get(place, _NO_ROWS)[1] for place in sealed],
        "makers": [makers[table] for table, _, _ in sealed],
    }
    connection.execute(_UNSEAL, names)
    connection.execute(_SEAL, {**names, **figures})


def is_sealed(connection: duckdb.DuckDBPyConnection, key: RunKey) -> bool:
    """Tell whether rows of a benchmark were ever stored, and not removed with their digests."""
    return connection.execute(_IS_SEALED, [key.run_id, key.benchmark]).fetchone() is not None


@dataclass(frozen=True, slots=True)
class RowProof:
    """Refuse rows of an open history that are not those that were written; check each row once.

    Every method raises a StoreError that names the table, the run and the numbers of rows.
    A row that an overwritten part of the file has added to a run may stand among those of other
    runs, where only a statement that reads these as well comes upon it. So a run is proven again
    for a statement that reads further than any before.

    Attributes:
        connection: to the history.
    """

    connection: duckdb.DuckDBPyConnection
    _runs: set[str] = field(default_factory=set)
    # By table and run, between which ids its rows were looked for.
    _rows: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def require_run(self, run_id: str) -> None:
        """Prove all that was sealed of a run."""
        if run_id in self._runs:
            return
        tables = self.connection.execute(_SEALED_TABLES, [run_id]).fetchall()
        self._require([name for (name,) in tables], *_chosen([run_id]))
        self._runs.add(run_id)

    def require_rows(self, run_ids: Iterable[str], *tables: str) -> None:
        """Prove what some runs have in some tables, between the first and the last of their ids."""
        runs = {*run_ids}
        if not runs:
            return
        span = min(runs), max(runs)
        new = sorted({table for table in tables for run in runs if self._is_new(table, run, span)})
        if new:
            self._require(new, *_chosen(runs))
            self._rows.update(dict.fromkeys(product(new, runs), span))

    def require_table(self, table: str) -> None:
        """Prove what all runs have in one table."""
        if (table, _ALL) not in self._rows:
            self._require([table], _ALL, {})
            self._rows[table, _ALL] = ("", "")

    def _is_new(self, table: str, run: str, span: tuple[str, str]) -> bool:
        if run in self._runs and span == (run, run):
            return False
        first, last = self._rows.get((table, run), (run, ""))
        return not first <= span[0] <= span[1] <= last

    def _require(self, tables: Iterable[str], chosen: str, given: Mapping[str, object]) -> None:
        known = _makers(self.connection)
        makers = {table: known[table] for table in tables if table in known}
        if not makers:
            return
        wrong = self.connection.execute(
            _WRONG.format(found=_found(makers, chosen), chosen=chosen),
            {**given, "tables": list(makers), "makers": list(makers.values())},
        ).fetchone()
        if wrong is not None:
            raise _changed(*wrong)


def _chosen(run_ids: Collection[str]) -> tuple[str, dict[str, object]]:
    """Return the condition that chooses some runs, with its parameters."""
    if len(run_ids) == 1:
        return _ONE, {"first": next(iter(run_ids))}
    runs = sorted(run_ids)
    first, last = (runs[0], runs[-1]) if runs else ("", "")
    return _SEVERAL, {"first": first, "last": last, "chosen": runs}


def _digests(
    connection: duckdb.DuckDBPyConnection, keys: Collection[RunKey], tables: Collection[str]
) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Return the number of rows and their sum of hashes by table, run and benchmark."""
    if not tables:
        return {}
    if len(keys) == 1:
        (key,) = keys
        statement = "union all".join(_OF_ONE.format(table=table) for table in tables)
        given: Mapping[str, object] = key.parameters
    else:
        chosen, given = _chosen({key.run_id for key in keys})
        statement = _found(tables, chosen)
    rows = connection.execute(statement, given).fetchall()
    return {
        (table, run_id, benchmark): (count, digest)
        for table, run_id, benchmark, count, digest in rows
    }


def _found(tables: Iterable[str], chosen: str) -> str:
    """Return the question for the number of rows and the sum of hashes that tables have now."""
    rows = "union all".join(_ROWS.format(table=table, chosen=chosen) for table in tables)
    return _FOUND.format(rows=rows)


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
    return {
        table: f"duckdb {duckdb.__version__}: {' '.join(columns)}"
        for table, columns in columns_of(connection).items()
    }
