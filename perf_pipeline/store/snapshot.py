"""Any SQL of people's on a private copy of the history: it reads, it ends, and it reaches nothing.

Add here: a limit of a query. Keep out: queries of our own (queries.py).
"""

import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb

from perf_pipeline.errors import RequestError, StoreError
from perf_pipeline.store.access import said_plainly, stoppable
from perf_pipeline.store.history import open_history

LIMIT_S: Final = 60.0
_BATCH_ROWS: Final = 10_000
_SQL_HINT: Final = "docs/schema.md lists the tables with their columns, and queries to start from"
# `show` and `describe` are SELECT to DuckDB; CALL and PRAGMA can change things.
_READING: Final = frozenset({duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN})
_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,  # a table is never a variable of this process
    "memory_limit": "1GB",
    "max_temp_directory_size": "4GB",
    "lock_configuration": True,  # or a statement could undo all of it
}

Parameters = Sequence[object] | Mapping[str, object]
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """Hold a query's answer, which is read while the copy of the history is there.

    Attributes:
        columns: their names.
        batches: the rows, some at a time.
    """

    columns: list[str]
    batches: Iterator[Rows]


@contextmanager
def open_answer(
    path: Path,
    sql: str,
    parameters: Parameters = (),
    *,
    wait_s: float = 30.0,
    limit_s: float = LIMIT_S,
) -> Iterator[QueryAnswer]:
    """Run one reading statement on a private copy, so that a long one never blocks a run.

    The copy is made while this process has the history open for itself, and is removed after.

    Args:
        path: the path of the history.
        sql: one statement; it sees no other file and no network.
        parameters: for `?` or `$name` in it.
        wait_s: how long to queue for the copy.
        limit_s: how long it may take, until its last row is read.

    Raises:
        StoreBusyError: another process had the history open all the time.
        PerfPipelineError: the SQL is wrong, would write, or takes too long.
    """
    with TemporaryDirectory(prefix="perf-pipeline-sql-") as folder:
        copy = Path(folder) / path.name
        copy_history(path, copy, wait_s=wait_s)
        with said_plainly(copy):
            connection = duckdb.connect(copy, read_only=True, config=_CONFIG)
        with stoppable(), connection, _interrupted_after(connection, limit_s):
            yield _answer(connection, sql, parameters, limit_s)


def copy_history(path: Path, copy: Path, *, wait_s: float = 30.0) -> None:
    """Copy a history to another file, while this process has it open for itself.

    Raises:
        StoreBusyError: another process had the history open all the time.
        StoreError: there is no room for the copy.
    """
    with open_history(path, wait_s=wait_s, read_only=True):
        _copy(path, copy)


@contextmanager
def _interrupted_after(connection: duckdb.DuckDBPyConnection, limit_s: float) -> Iterator[None]:
    timer = threading.Timer(limit_s, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _copy(path: Path, copy: Path) -> None:
    try:
        shutil.copyfile(path, copy)
        wal = path.with_name(f"{path.name}.wal")
        if wal.exists():
            shutil.copyfile(wal, copy.with_name(f"{copy.name}.wal"))
    except OSError as error:
        raise StoreError(
            f"no copy of {path} could be made: {error}",
            hint="make room in the folder for temporary files, or name another in TMPDIR",
        ) from error


def _answer(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Parameters, limit_s: float
) -> QueryAnswer:
    with _told(sql, limit_s):
        statements = connection.extract_statements(sql)
        if len(statements) != 1:
            raise RequestError(
                f"write one statement at a time; this text has {len(statements)}",
                hint=_SQL_HINT,
            )
        if statements[0].type not in _READING:
            kind = statements[0].type.name.replace("_", " ")
            raise RequestError(
                "this query would write, or reach outside the history, but queries may only "
                f"read: {sql}",
                hint=f"DuckDB says: it is a {kind} statement, and not a SELECT",
            )
        cursor = connection.execute(statements[0], parameters)
        columns = [column[0] for column in cursor.description or ()]
    return QueryAnswer(columns, _batches(cursor, sql, limit_s))


def _batches(cursor: duckdb.DuckDBPyConnection, sql: str, limit_s: float) -> Iterator[Rows]:
    while True:
        with _told(sql, limit_s):
            batch = cursor.fetchmany(_BATCH_ROWS)
        if not batch:
            return
        yield batch


@contextmanager
def _told(sql: str, limit_s: float) -> Iterator[None]:
    """Turn what DuckDB says about a query into one sentence."""
    try:
        yield
    except duckdb.InterruptException as error:
        raise StoreError(
            f"the query took longer than {limit_s:g} s and was ended",
            hint="ask for less, or give it longer: perf-pipeline sql --timeout 10m ...",
        ) from error
    except duckdb.Error as error:
        message = str(error).strip()
        if "read-only" in message or isinstance(error, duckdb.PermissionException):
            raise RequestError(
                "this query would write, or reach outside the history, but queries may only "
                f"read: {sql}",
                hint=f"DuckDB says: {message.splitlines()[0]}",
            ) from error
        raise RequestError(f"the query failed: {message}", hint=_SQL_HINT) from error
