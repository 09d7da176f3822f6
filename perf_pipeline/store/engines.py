"""DuckDB itself, apart from the files that it opens: one for the history that was opened last.

A new one takes 20 ms of CPU to learn its functions, and a file that is attached to it takes 4; a
command opens its history ten times. While no file is attached, it holds none and does nothing.
Add here: another setting of DuckDB's. Keep out: waiting for a file, and what errors mean
(access.py).
"""

import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    # a measurement never downloads code
    "autoinstall_known_extensions": False,
}
_BROKEN: Final = (duckdb.FatalException, duckdb.InternalException)
_NUMBERS: Final = itertools.count(1)
_LAST: Final[dict[Path, duckdb.DuckDBPyConnection]] = {}
_BEFORE_FORK: Final[list[duckdb.DuckDBPyConnection]] = []
_LOCK: Final = threading.Lock()


def _leave_to_parent() -> None:
    """Use no DuckDB of the process that this one was forked from: its threads are not here.

    It is kept, because closing it would wait for them.
    """
    _BEFORE_FORK.extend(_LAST.values())
    _LAST.clear()
    _LOCK.release()


os.register_at_fork(
    before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_leave_to_parent
)


@contextmanager
def attached(path: Path, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a file, and close it with the block; one connection to it, of nobody else.

    Raises:
        duckdb.Error: it cannot be opened, with DuckDB's own words.
    """
    file = path.absolute()
    engine, name = _engine(file), f"history_{next(_NUMBERS)}"
    try:
        _ask(engine, f"attach {_quoted(file)} as {name} {'(read_only)' if read_only else ''}")
        with _closing(file, engine, name), engine.cursor() as connection:
            connection.execute(f"use {name}")
            yield connection
    except _BROKEN:
        _forget(file, engine)
        raise


@contextmanager
def _closing(file: Path, engine: duckdb.DuckDBPyConnection, name: str) -> Iterator[None]:
    """Close a file after the block, and say nothing when the disk does not let it be tidied.

    What was committed is in the file or in its log, as where a connection is closed.
    """
    try:
        yield
    finally:
        try:
            _ask(engine, f"detach {name}")
        except duckdb.Error:
            _forget(file, engine)


def _ask(engine: duckdb.DuckDBPyConnection, statement: str) -> None:
    with engine.cursor() as door:
        door.execute(statement)


def _quoted(file: Path) -> str:
    return "'" + str(file).replace("'", "''") + "'"


def _engine(file: Path) -> duckdb.DuckDBPyConnection:
    """Return the one for a file; what does not fit into memory goes beside the file."""
    with _LOCK:
        if file not in _LAST:
            _LAST.clear()
            beside = {"temp_directory": f"{file}.tmp"}
            _LAST[file] = duckdb.connect(":memory:", config={**CONFIG, **beside})
        return _LAST[file]


def _forget(file: Path, engine: duckdb.DuckDBPyConnection) -> None:
    """Let the next one who opens the file begin anew: this one has given up."""
    with _LOCK:
        if _LAST.get(file) is engine:
            del _LAST[file]
