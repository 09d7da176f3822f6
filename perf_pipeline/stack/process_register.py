"""Register what was started in a folder, by whom, and whether it is still the same process.

A process is known by pid and start mark; a recycled pid has another mark and is never touched.
The register is written right after each start and before readiness, so nothing is ever running
that is not written down. Add here: a fact that ending a process needs. Keep out: signals (see
`ending`), secrets, and process names as a means of finding anything.
"""

import fcntl
import json
import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import psutil

REGISTER = "ledger.json"
LOCK = "ledger.lock"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Owner:
    """Name the process that a stack lives for."""

    pid: int
    mark: str


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """Name one started process and how it wants to be ended.

    Attributes:
        name: unique in the folder, such as `worker-2`.
        part: the service it belongs to, such as `worker`.
        pid: also its session and process group.
        mark: when it started, see `start_mark`.
        stop_signal: what asks it to end.
        grace_s: how long it may take before it is killed.
        wave: higher waves are ended first, so that clients go before servers.
    """

    name: str
    part: str
    pid: int
    mark: str
    stop_signal: int
    grace_s: float
    wave: int


@dataclass(frozen=True, slots=True)
class ProcessRegister:
    """Hold what was started in one folder.

    Attributes:
        owner: None when it is to outlive who started it (`up`).
        keep_folder: the folder holds data that outlives the processes.
        processes: in the order of starting.
        is_closed: all of it is being ended; nothing more may be started.
    """

    owner: Owner | None
    keep_folder: bool = False
    processes: tuple[ProcessRecord, ...] = ()
    is_closed: bool = False


def start_mark(pid: int) -> str | None:
    """Return a mark that tells this process from any other that had or gets the same pid.

    On Linux boot id and clock ticks since boot: unlike a wall-clock start time they do not move
    when the clock is set. None when there is no such process or only its zombie.
    """
    seen = _look_at(pid)
    return None if seen is None or seen.is_zombie else seen.mark


def birth_mark(pid: int) -> str:
    """Return the mark of a child that was just started, even when it has already ended."""
    seen = _look_at(pid)
    return "" if seen is None else seen.mark


def is_zombie(record: ProcessRecord) -> bool:
    """Say whether this very process has ended and waits to be collected by its parent."""
    return _look_at(record.pid) == _Seen(record.mark, is_zombie=True)


@dataclass(frozen=True, slots=True)
class _Seen:
    mark: str
    is_zombie: bool


def _look_at(pid: int) -> _Seen | None:
    try:
        if boot := _boot():
            # The command (field 2) may hold spaces and brackets: split behind its last bracket.
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
            state, *rest = fields.split()
            # Threads may still be ending (and holding ports) behind a leader that is a zombie.
            return _Seen(f"{boot}:{rest[18]}", state in {"Z", "X"} and int(rest[16]) <= 1)
        process = psutil.Process(pid)
        has_ended = process.status() == psutil.STATUS_ZOMBIE
        return _Seen(repr(process.create_time()), has_ended)
    except (OSError, psutil.Error):
        return None


@cache
def _boot() -> str:
    """Return the id of this boot, which stays while we run; empty where the system has none."""
    return BOOT_ID.read_text(encoding="utf-8").strip() if BOOT_ID.exists() else ""


def is_alive(subject: Owner | ProcessRecord) -> bool:
    """Say whether this very process still runs."""
    return start_mark(subject.pid) == subject.mark


def this_process() -> Owner:
    """Return the calling process as an owner."""
    pid = os.getpid()
    return Owner(pid, start_mark(pid) or "")


def write_register(folder: Path, register: ProcessRegister) -> None:
    """Replace the folder's register atomically."""
    draft = folder / f"{REGISTER}.{os.getpid()}-{threading.get_ident()}"
    draft.write_text(json.dumps(asdict(register), indent=1), encoding="utf-8")
    draft.replace(folder / REGISTER)


def read_register(folder: Path) -> ProcessRegister | None:
    """Return the folder's register; None when there is none that can be read."""
    try:
        document = json.loads((folder / REGISTER).read_text(encoding="utf-8"))
        return ProcessRegister(
            owner=None if document["owner"] is None else Owner(**document["owner"]),
            keep_folder=document["keep_folder"],
            processes=tuple(ProcessRecord(**entry) for entry in document["processes"]),
            is_closed=document.get("is_closed", False),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


@contextmanager
def changing(folder: Path) -> Iterator[ProcessRegister]:
    """Yield the folder's register while nobody else changes it: no other thread, no other process.

    Raises:
        FileNotFoundError: it has none.
    """
    with (folder / LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        register = read_register(folder)
        if register is None:
            message = f"{folder} has no process register"
            raise FileNotFoundError(message)
        yield register


def start_process(folder: Path, start: Callable[[], ProcessRecord]) -> ProcessRecord | None:
    """Start a process and write it down, unless the register is closed: then do nothing.

    It takes the place of one with the same name.

    Between the two nobody can close the register, so whoever does finds every process in it.
    """
    with changing(folder) as register:
        if register.is_closed:
            return None
        record = start()
        try:
            _add(folder, register, record)
        except BaseException:
            os.kill(record.pid, signal.SIGKILL)
            raise
    return record


def forget(folder: Path, names: Collection[str]) -> None:
    """Take processes that have ended for good out of the register, so that nobody misses them."""
    with changing(folder) as register:
        left = tuple(entry for entry in register.processes if entry.name not in names)
        write_register(folder, replace(register, processes=left))


def close_register(folder: Path) -> ProcessRegister | None:
    """Have nothing more started in the folder, and return its register; None without one."""
    try:
        with changing(folder) as register:
            closed = replace(register, is_closed=True)
            write_register(folder, closed)
            return closed
    except OSError:  # also where the disk is full: then nothing could be started either
        return read_register(folder)


def _add(folder: Path, register: ProcessRegister, record: ProcessRecord) -> None:
    others = tuple(entry for entry in register.processes if entry.name != record.name)
    write_register(folder, replace(register, processes=(*others, record)))
