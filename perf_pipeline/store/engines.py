"""Lend one DuckDB engine, which has no file of its own, to the next opening of a file.

A new engine takes 30 ms of CPU to register its functions, while attaching a file to an engine takes
4 ms; a command opens its history six times and queries its spool as often. An idle engine has no
file open and does nothing.
Add here: another setting of DuckDB. Keep out: waiting for a file, and the meaning of errors
(access.py).
"""

import itertools
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    # a measurement never downloads code
    "autoinstall_known_extensions": False,
}
# Below it a second thread costs more than it does: about a tenth of the CPU of a small run's end.
LARGE_BYTES: Final = 32 << 20
_BROKEN: Final = (duckdb.FatalException, duckdb.InternalException)
_NUMBERS: Final = itertools.count(1)
_SPILLED: Final = "temp_directory"
_BESIDE_NO_FILE: Final = Path(".tmp")  # DuckDB's own for a database in memory
_ONE_THREAD: Final = "set threads = 1"
_ALL_THREADS: Final = "reset threads"
_ANY_ORDER: Final = "set preserve_insertion_order = false"
_THEIR_ORDER: Final = "reset preserve_insertion_order"


@dataclass(slots=True)
class Engine:
    """Hold a DuckDB that has a database in memory, and no file between two loans.

    Attributes:
        connection: to it.
        spilled: where it puts what does not fit into memory.
        is_sound: whether it may be lent again.
        pid: the process that made it, whose threads it has.
    """

    connection: duckdb.DuckDBPyConnection
    spilled: Path
    is_sound: bool = True
    pid: int = field(default_factory=os.getpid)


_IDLE: Final[list[Engine]] = []
_BEFORE_FORK: Final[list[Engine]] = []
_LOCK: Final = threading.Lock()


def _leave_to_parent() -> None:
    """Use no DuckDB of the process that this one was forked from: its threads are not here.

    It is kept, because closing it would wait for them.
    """
    _BEFORE_FORK.extend(_IDLE)
    _IDLE.clear()
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
    file, name = path.absolute(), f"history_{next(_NUMBERS)}"
    with _lent(beside=file) as engine:
        _ask(engine, _ONE_THREAD if _size_of(file) < LARGE_BYTES else _ALL_THREADS)
        _ask(engine, f"attach {_quoted(file)} as {name} {'(read_only)' if read_only else ''}")
        with _closing(engine, name), engine.connection.cursor() as connection:
            connection.execute(f"use {name}")
            yield connection


@contextmanager
def attached_memory() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory that is nobody else's, and goes with the block.

    As many threads work on it as on a small file. What does not fit into memory goes beside the
    file that was open last.
    """
    name = f"memory_{next(_NUMBERS)}"
    with _lent() as engine:
        _ask(engine, _ONE_THREAD)
        _ask(engine, f"attach ':memory:' as {name}")
        with _closing(engine, name), engine.connection.cursor() as connection:
            connection.execute(f"use {name}")
            yield connection


@contextmanager
def in_memory(asked: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection without a file, whose temporary tables are its own and go with the block.

    What does not fit into memory goes beside the file that was open last.

    Args:
        asked: the folder whose files it is to read; a small one gets one thread, as a small file.
    """
    with _lent() as engine, engine.connection.cursor() as connection:
        connection.execute(_ALL_THREADS if is_large(asked) else _ONE_THREAD)
        yield connection


def is_large(folder: Path) -> bool:
    """Say whether the files of a folder are worth more than one thread; no folder is small."""
    return are_large(folder.glob("*"))


def are_large(files: Iterable[Path]) -> bool:
    """Say whether files that are read one after the other are worth more than one thread."""
    return sum(map(_size_of, files)) >= LARGE_BYTES


def use_all_threads(connection: duckdb.DuckDBPyConnection) -> None:
    """Let a connection work on all processors until its file is closed.

    A small file gets one thread when it is opened; whoever brings much to it says so.
    """
    connection.execute(_ALL_THREADS)


@contextmanager
def in_any_order(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let an insert store rows as they come: to keep their order takes a fifth of its CPU."""
    # By a connection of its own: after an error that of the insert can do nothing any more.
    with connection.cursor() as door:
        door.execute(_ANY_ORDER)
        try:
            yield
        finally:
            door.execute(_THEIR_ORDER)


def _size_of(file: Path) -> int:
    """Return the size of a file; 0 where there is none."""
    with suppress(OSError):
        return file.stat().st_size
    return 0


@contextmanager
def _closing(engine: Engine, name: str) -> Iterator[None]:
    """Close a file after the block, and say nothing when the disk does not let it be tidied.

    Committed data is in the file or in its log, as when a connection is closed.
    """
    try:
        yield
    finally:
        try:
            _ask(engine, f"detach {name}")
        except duckdb.Error:
            engine.is_sound = False


def _ask(engine: Engine, statement: str) -> None:
    with engine.connection.cursor() as door:
        door.execute(statement)


def _quoted(file: Path) -> str:
    return "'" + str(file).replace("'", "''") + "'"


@contextmanager
def _lent(beside: Path | None = None) -> Iterator[Engine]:
    """Lend one for a file to nobody else; after an error that it may not survive, never again."""
    engine = _taken(beside)
    try:
        yield engine
    except _BROKEN:
        engine.is_sound = False
        raise
    finally:
        _give_back(engine)


def _taken(beside: Path | None) -> Engine:
    """Return the idle one, or a new one; what does not fit into memory goes beside the file."""
    with _LOCK:
        engine = _IDLE.pop() if _IDLE else None
    if beside is None:
        return engine or _new(_BESIDE_NO_FILE)
    spilled = Path(f"{beside}.tmp")
    if engine is None:
        return _new(spilled)
    if engine.spilled != spilled:
        engine.spilled = spilled
        _say_where_it_spills(engine)
    return engine


def _new(spilled: Path) -> Engine:
    config = {**CONFIG, _SPILLED: str(spilled)}
    return Engine(duckdb.connect(":memory:", config=config), spilled)


def _say_where_it_spills(engine: Engine) -> None:
    _ask(engine, f"set {_SPILLED} = {_quoted(engine.spilled)}")


def _has_spilled(engine: Engine) -> bool:
    """Say whether it has used its folder: from then on it takes no other, nor the same again."""
    try:
        _say_where_it_spills(engine)
    except duckdb.Error:
        return True
    return False


def _give_back(engine: Engine) -> None:
    """Keep it for the next loan; in the place of one that has spilled, a new one.

    That one would go on to write to its folder, which may be gone by then.
    """
    if engine.pid == os.getpid() and engine.is_sound and _has_spilled(engine):
        engine.connection.close()  # its folder goes with it
        engine = _new(engine.spilled)
    with _LOCK:
        if engine.pid != os.getpid():
            _BEFORE_FORK.append(engine)
        elif engine.is_sound and not _IDLE:
            _IDLE.append(engine)
