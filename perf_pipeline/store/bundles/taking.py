"""Take runs from Parquet files into a history: all of a run, proven, or nothing of it.

Files of an older schema go through a history of their own, in memory, which learns the newer one.
Add here: another proof of what is taken. Keep out: where the files come from (sharing/).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from perf_pipeline.errors import StoreError
from perf_pipeline.store.access import first_line
from perf_pipeline.store.bundles.content import contents_of, remember_contents
from perf_pipeline.store.bundles.parts import RAW, TABLES, write_parts
from perf_pipeline.store.engines import are_large, use_all_threads
from perf_pipeline.store.ingest import KEYED_TABLES, transaction
from perf_pipeline.store.migrate import apply_until, migrate, migrations
from perf_pipeline.store.order import place_of
from perf_pipeline.store.proof import seal
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.sample_tables import take_samples

if TYPE_CHECKING:
    from perf_pipeline.store.history import History

# Since this schema samples are two tables, and in a bundle still one.
_SAMPLES_BY_KIND: Final = 30
_FROM_FILES: Final = "read_parquet($files)"
_INSERT: Final = f"insert into {{table}} by name select * from {_FROM_FILES}"
_INSERT_MACHINE: Final = f"{_INSERT} on conflict do nothing"
_INSERT_RUN: Final = """
insert into runs by name select * replace ($place::bigint as made_as) from read_parquet($files)
"""
_BEGAN: Final = "select run_id, began_at from read_parquet($files)"
_OTHERS: Final = "select count(*) from read_parquet($files) where run_id is distinct from $run_id"
_COUNT: Final = "select count(*) from read_parquet($files)"
_NO_RAW: Final = """
update benchmarks set raw_kept = false where run_id in (select unnest($runs::varchar[]))
"""
_KEYS: Final = """
select run_id, benchmark from benchmarks where run_id in (select unnest($runs::varchar[]))
"""
_UNREMOVE: Final = "delete from removed_runs where run_id in (select unnest($runs::varchar[]))"
_WRONG_VALUES: Final = (
    duckdb.DataError,
    duckdb.IntegrityError,
    duckdb.InvalidInputException,
    duckdb.ProgrammingError,
    duckdb.IOException,
)


@dataclass(frozen=True, slots=True)
class TakenRun:
    """Hold the files of a run that is to be taken.

    Attributes:
        run_id: the id of the run.
        content: the digest of what it measured.
        schema: the schema of the history that its files were written from.
        files: by table.
        rows: how many each table has, by what its manifest says.
    """

    run_id: str
    content: str
    schema: int
    files: Mapping[str, Path]
    rows: Mapping[str, int]

    @property
    def has_raw(self) -> bool:
        """Say whether samples are among them."""
        return any(table in self.files for table in RAW)


def schema_version() -> int:
    """Return the newest schema that this code knows."""
    return max(version for version, _, _ in migrations())


def take_runs(history: "History", runs: Sequence[TakenRun], folder: Path) -> dict[str, str]:
    """Store runs that the history does not have; a run that can't be stored leaves nothing behind.

    Args:
        history: open, to write.
        runs: whose files are whole.
        folder: for files of older schemas in between.

    Returns:
        By run why it could not be taken; empty when all were.
    """
    history.asked.forget()
    if are_large(file for run in runs for file in run.files.values()):
        use_all_threads(history.connection)
    refused: dict[str, str] = {}
    ready: list[TakenRun] = []
    for run in runs:
        with _told(run, refused):
            ready.append(_current(run, folder / run.content))
    try:
        _take(history.connection, ready)
    except (*_WRONG_VALUES, StoreError):
        # One of them is not what it says: the others are taken one by one.
        for run in ready:
            with _told(run, refused):
                _take(history.connection, [run])
    return refused


@contextmanager
def _told(run: TakenRun, refused: dict[str, str]) -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        refused[run.run_id] = error.sentence
    except _WRONG_VALUES as error:
        refused[run.run_id] = f"its rows cannot be stored: {first_line(error)}"


def _take(connection: duckdb.DuckDBPyConnection, runs: Sequence[TakenRun]) -> None:
    if not runs:
        return
    run_ids = [run.run_id for run in runs]
    with transaction(connection):
        for run in runs:
            _require_own(connection, run)
        began = _began(connection, runs)
        for run in sorted(runs, key=lambda run: began[run.run_id]):
            files = [str(run.files["runs"])]
            place = place_of(connection, run.run_id, began[run.run_id], begins_now=False)
            connection.execute(_INSERT_RUN, {"files": files, "place": place})
        for table in TABLES[1:]:
            files = [str(run.files[table]) for run in runs if table in run.files]
            if files and table == "samples":
                take_samples(connection, _FROM_FILES, {"files": files})
            elif files:
                insert = _INSERT_MACHINE if table == "environments" else _INSERT
                connection.execute(insert.format(table=table), {"files": files})
        bare = [run.run_id for run in runs if not run.has_raw]
        connection.execute(_NO_RAW, {"runs": bare})
        _require_content(connection, runs)
        keys = [RunKey(*row) for row in connection.execute(_KEYS, {"runs": run_ids}).fetchall()]
        seal(connection, keys, KEYED_TABLES)
        remember_contents(connection, {run.run_id: run.content for run in runs})
        connection.execute(_UNREMOVE, {"runs": run_ids})


def _began(
    connection: duckdb.DuckDBPyConnection, runs: Sequence[TakenRun]
) -> Mapping[str, datetime]:
    files = [str(run.files["runs"]) for run in runs]
    return dict(connection.execute(_BEGAN, {"files": files}).fetchall())


def _require_own(connection: duckdb.DuckDBPyConnection, run: TakenRun) -> None:
    """Refuse files whose rows are not as many as the manifest says, or of another run.

    Raises:
        StoreError: names the table.
    """
    if missing := {"runs", "environments"} - run.files.keys():
        raise StoreError(f"it has no rows of the table {min(missing)}")
    if unknown := run.files.keys() - set(TABLES):
        raise StoreError(f"it has a table {min(unknown)}, which this version does not know")
    for table, file in run.files.items():
        given = {"files": [str(file)]}
        others = 0
        if table != "environments":
            others = _number(connection, _OTHERS, {**given, "run_id": run.run_id})
        rows = _number(connection, _COUNT, given)
        if others or rows != run.rows[table]:
            raise StoreError(
                f"its table {table} has {rows:,} rows, of which {others:,} are of another run, "
                f"and its manifest says {run.rows[table]:,}"
            )


def _number(
    connection: duckdb.DuckDBPyConnection, statement: str, given: Mapping[str, object]
) -> int:
    row = connection.execute(statement, given).fetchone()
    return int(row[0]) if row else 0


def _require_content(connection: duckdb.DuckDBPyConnection, runs: Sequence[TakenRun]) -> None:
    found = contents_of(connection, [run.run_id for run in runs])
    for run in runs:
        if found[run.run_id] != run.content:
            raise StoreError(
                "what was measured differs from its manifest (digest "
                f"{found[run.run_id][:16]}, not {run.content[:16]})"
            )


def _current(run: TakenRun, folder: Path) -> TakenRun:
    """Return the run with files of this code's schema.

    Raises:
        StoreError: it is of a newer one.
    """
    newest = schema_version()
    if run.schema > newest:
        raise StoreError(
            f"it was written by a newer perf_pipeline: it has schema {run.schema}, and this "
            f"version knows up to {newest}",
            hint="upgrade perf_pipeline",
        )
    if run.schema == newest:
        return run
    with duckdb.connect(":memory:") as former:
        apply_until(former, run.schema)
        for table, file in run.files.items():
            if table == "samples" and run.schema >= _SAMPLES_BY_KIND:
                take_samples(former, _FROM_FILES, {"files": [str(file)]})
            else:
                former.execute(_INSERT.format(table=table), {"files": [str(file)]})
        migrate(former, run.run_id)
        parts = write_parts(former, run.run_id, folder, with_raw=True)
    return replace(
        run,
        files={part.table: part.path for part in parts},
        rows={part.table: part.rows for part in parts},
    )
