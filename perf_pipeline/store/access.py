"""Open the history file: one process at a time, and one clear sentence if that fails.

DuckDB lets one process open a file for writing, or several for reading only; a second process gets
an error. Our own processes therefore queue at a lock file next to the history, and another program
(a DuckDB shell, a notebook) is waited for and then named.

Add here: another way in which opening a file fails. Keep out: SQL.
"""

import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path
from time import monotonic_ns, sleep
from typing import Final

import duckdb
from filelock import FileLock, Timeout

from perf_pipeline.errors import (
    PerfPipelineError,
    RequestError,
    SpoolDamagedError,
    StoppedByUserError,
    StoreBusyError,
    StoreError,
)
from perf_pipeline.store.engines import attached
from perf_pipeline.store.foreign_files import not_opened

_POLL_S: Final = 0.1
_HOLDER: Final = re.compile(r"Conflicting lock is held in (?P<program>.*?) ?\(PID (?P<pid>\d+)\)")
_BUSY: Final = ("Could not set lock on file", "Conflicting lock")
_FULL_NUMBERS: Final = frozenset({ENOSPC, EDQUOT, EFBIG})
_FULL: Final = ("No space left on device", "Disk quota exceeded", "Out of disk", "File too large")
_LONGEST: Final = 300
_SAFE_HINT: Final = "samples are safe in the spool; close it and run `perf-pipeline ingest <run>`"
_OTHER_FOLDER_HINT: Final = "move it away, or name another state folder: --state FOLDER"
_ABOUT_THE_FILE: Final = (
    duckdb.IOException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.SerializationException,
    duckdb.OutOfMemoryException,
    OSError,
)
_BY_A_SIGNAL: Final = "Query interrupted"
_READ_ONLY: Final = "Read-only file system"
_ABSENT: Final = re.compile(r"Cannot open database .* does not exist|file does not exist")


@contextmanager
def exclusive(path: Path, wait_s: float) -> Iterator[float]:
    """Hold the lock file next to the history; yield how many of the seconds are left.

    Raises:
        StoreBusyError: another process of ours held it all the time.
        PerfPipelineError: the lock file cannot be made.
    """
    began_ns = monotonic_ns()
    _require_ordinary(path)
    lock_path = path.with_name(f"{path.name}.lock")
    try:
        lock_path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(lock_path, timeout=wait_s)
        lock.acquire()
    except Timeout as error:
        raise _busy(path, _flock_holder(lock_path), wait_s) from error
    except OSError as error:
        raise sentence_of(error, path) from error
    try:
        yield max(0.0, wait_s - (monotonic_ns() - began_ns) / 1e9)
    finally:
        lock.release()


@contextmanager
def connected(path: Path, wait_s: float, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the file; if another program has it open, wait.

    Raises:
        StoreBusyError: the other program still had it open when the time was over.
        PerfPipelineError: the file cannot be opened at all.
    """
    with ExitStack() as open_file:
        yield _opened(path, wait_s, open_file, read_only=read_only)


def _opened(
    path: Path, wait_s: float, open_file: ExitStack, *, read_only: bool
) -> duckdb.DuckDBPyConnection:
    deadline_ns = monotonic_ns() + int(wait_s * 1e9)
    is_new = not read_only and not path.exists()
    while True:
        try:
            return open_file.enter_context(attached(path, read_only=read_only))
        except duckdb.Error as error:
            if not _is_busy(error):
                if is_new:  # its first bytes, from a full disk, look like a damaged file
                    path.unlink(missing_ok=True)
                raise sentence_of(error, path) from error
            if monotonic_ns() >= deadline_ns:
                raise _busy(path, _duckdb_holder(str(error)), wait_s) from error
        sleep(_POLL_S)


@contextmanager
def stoppable() -> Iterator[None]:
    """Let Ctrl-C and other signals end a query with their own exception.

    If a signal handler raises an exception, DuckDB (2.0) raises a RuntimeError instead.

    Raises:
        StoppedByUserError: a signal ended a query.
    """
    try:
        yield
    except RuntimeError as error:
        if type(error) is not RuntimeError or str(error) != _BY_A_SIGNAL:
            raise
        raise StoppedByUserError(
            "stopped in the middle of a query, which changed nothing"
        ) from error


@contextmanager
def said_plainly(path: Path) -> Iterator[None]:
    """Turn an error of a file or its disk into one sentence; pass our own bugs on unchanged.

    Raises:
        PerfPipelineError: the file is damaged, the disk is full, or there is no permission.
        StoppedByUserError: a signal ended a query.
    """
    try:
        with stoppable():
            yield
    except (duckdb.Error, OSError) as error:
        if not _is_about_the_file(error):
            raise
        raise sentence_of(error, path) from error


def _is_about_the_file(error: Exception) -> bool:
    """Say whether a file or its disk caused an error, and not one of our statements."""
    # A commit that the disk refuses is a TransactionException, a wrong checksum a plain Error.
    is_refused = any(text in str(error) for text in (*_FULL, _READ_ONLY))
    return is_refused or isinstance(error, _ABOUT_THE_FILE) or type(error) is duckdb.Error


@contextmanager
def told_plainly(spool: Path) -> Iterator[None]:
    """Turn an error about a spooled value that no table accepts into one sentence: a damaged file.

    Raises:
        SpoolDamagedError: names the folder and the value.
    """
    try:
        yield
    except (
        duckdb.DataError,
        duckdb.IntegrityError,
        duckdb.InvalidInputException,
        OverflowError,
        ValueError,
    ) as error:
        raise SpoolDamagedError(
            f"{spool} cannot be stored: {first_line(error)}",
            hint="nothing of it was stored; its files are damaged, or were written by another "
            "version",
        ) from error


def is_full(error: BaseException) -> bool:
    """Say whether a disk was full, a quota was used up, or a file may not grow."""
    return isinstance(error, OSError) and error.errno in _FULL_NUMBERS


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, or its name."""
    text = str(error).strip()
    return text.splitlines()[0][:_LONGEST] if text else type(error).__name__


def sentence_of(error: Exception, path: Path) -> PerfPipelineError:
    """Say in one sentence what DuckDB or the system reports about the history file."""
    message = first_line(error)
    if is_full(error) or any(text in str(error) for text in _FULL):
        return StoreError(
            f"the disk of {path} is full; nothing of this step was stored, earlier runs are intact",
            hint="make room, then run `perf-pipeline ingest <run>`; the samples are in the spool",
        )
    if path.is_dir():
        return StoreError(
            f"{path} is a directory, and the history is a file", hint=_OTHER_FOLDER_HINT
        )
    if _ABSENT.search(message):
        return RequestError(
            f"{path} does not exist; no run has been stored yet",
            hint="`perf-pipeline run` makes it, or `perf-pipeline ingest <run>`",
        )
    short = _short_of(error, path)
    return short or _not_let_in(error, path, message) or not_opened(path, message, str(error))


def _short_of(error: Exception, path: Path) -> StoreError | None:
    """Return the error of a process that lacks memory or open files; None for other errors.

    DuckDB then reports an intact file like a damaged one, and nobody should move it away.
    """
    text = str(error)
    if isinstance(error, duckdb.OutOfMemoryException) or "Out of Memory Error" in text:
        return StoreError(
            f"this process gets too little memory to open {path}; nothing in it is damaged",
            hint="give the process, or its container, more memory",
        )
    if "Too many open files" in text:
        return StoreError(
            f"this process may not open as many files as {path} needs; nothing in it is damaged",
            hint="raise its limit of open files: ulimit -n 1024",
        )
    return None


def _not_let_in(error: Exception, path: Path, message: str) -> StoreError | None:
    """Return the error of a file that the system, not DuckDB, refuses; None for other errors."""
    if isinstance(error, PermissionError) or "Permission denied" in message:
        return StoreError(
            f"no permission to open {path}",
            hint="change its owner or mode, or name another state folder",
        )
    if _READ_ONLY in str(error):
        return StoreError(
            f"the disk of {path} is read-only; nothing was stored, earlier runs are intact",
            hint="mount it for writing, or name another state folder",
        )
    if isinstance(error, OSError) or "Cannot open file" in message:
        why = error.strerror if isinstance(error, OSError) and error.strerror else message
        return StoreError(
            f"{path} cannot be opened: {why}", hint="name another state folder: --state FOLDER"
        )
    return None


def _require_ordinary(path: Path) -> None:
    """Refuse a pipe or a device, because opening one could wait forever.

    Raises:
        StoreError: it is one.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # it will be created, or the system says why not
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise StoreError(
            f"{path} is a pipe or a device, and the history is a file", hint=_OTHER_FOLDER_HINT
        )


def _is_busy(error: duckdb.Error) -> bool:
    return any(text in str(error) for text in _BUSY)


def _busy(path: Path, holder: str, wait_s: float) -> StoreBusyError:
    return StoreBusyError(
        f"{path.name} is open in {holder}; waited {wait_s:.1f} s for it", hint=_SAFE_HINT
    )


def _duckdb_holder(message: str) -> str:
    match = _HOLDER.search(message)
    if match is None:
        return "another process"
    return _named(int(match["pid"]), Path(match["program"]).name)


def _flock_holder(lock_path: Path) -> str:
    """Find the holder of the lock file in Linux's /proc/locks; other systems name nobody."""
    try:
        inode = str(lock_path.stat().st_ino)
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return "another process"
    for words in (line.split() for line in lines):
        if "->" not in words and len(words) > 5 and words[5].rpartition(":")[2] == inode:
            return _named(int(words[4]), "")
    return "another process"


def _named(pid: int, program: str) -> str:
    try:
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        name = program
    return f"pid {pid} ({name})" if name else f"pid {pid}"
