"""End recorded processes and everything in their sessions; report what was ended.

Add here: another rule of ending. Keep out: finding processes by name, and deciding which stacks are
left over (see `embedded`).
"""

import os
import shutil
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path

import psutil

from perf_pipeline.stack.places import leave
from perf_pipeline.stack.postgres_data import UNFINISHED
from perf_pipeline.stack.process_register import (
    LOCK,
    REGISTER,
    ProcessRecord,
    close_register,
    is_alive,
    is_zombie,
    read_register,
    start_mark,
)
from perf_pipeline.stack.shared_memory import clear_shared_memory

MARKER = "PERF_PIPELINE_STACK"  # the environment variable that tells every child the folder
POLL_S = 0.02
KILLED_WITHIN_S = 5.0


def members_of(record: ProcessRecord, folder: Path) -> dict[int, str]:
    """Return pid and start mark of every other live process that the record's process started.

    Every service leads its own session; PostgreSQL's backends leave it, so children count too. If
    the leader is gone, its number may have been reused, so an orphan of its session must also have
    the folder in its environment.
    """
    leader_lives = is_alive(record)
    pids = set(_children(record.pid)) if leader_lives else set()
    for pid in psutil.pids():
        with suppress(OSError, psutil.Error):
            if pid != record.pid and os.getsid(pid) == record.pid:
                marked = leader_lives or psutil.Process(pid).environ().get(MARKER) == str(folder)
                pids |= {pid} if marked else set()
    marks = {pid: start_mark(pid) for pid in sorted(pids)}
    return {pid: mark for pid, mark in marks.items() if mark is not None}


def _children(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def pids_of(folder: Path, part: str) -> tuple[int, ...]:
    """Return the running pids of a part: each leader, followed by the members of its session."""
    register = read_register(folder)
    records = (
        [] if register is None else [entry for entry in register.processes if entry.part == part]
    )
    return tuple(
        pid
        for record in records
        if is_alive(record)
        for pid in (record.pid, *members_of(record, folder))
    )


def end_processes(folder: Path, records: Sequence[ProcessRecord]) -> list[str]:
    """End the processes in waves, and return the names of those that were still running.

    Each gets its own signal and its grace period, and is then killed with its whole session.
    """
    by_wave = sorted(records, key=lambda record: -record.wave)
    ended: list[str] = []
    for _, wave in groupby(by_wave, key=lambda record: record.wave):
        ended += _end_wave(folder, list(wave))
    for record in filter(is_zombie, records):
        reap(record.pid)
    return ended


def dispose(folder: Path, *, spare: int = 0, keep_logs: bool = False) -> list[str]:
    """End everything in the folder's register (except `spare`), remove the folder, say what ended.

    A folder that should be kept loses only its register. With `keep_logs`, logs and register stay
    for whoever reads an error, until a sweep finds the owner gone.
    """
    register = close_register(folder)
    records = [] if register is None else [r for r in register.processes if r.pid != spare]
    ended = end_processes(folder, records)
    _end_orphans(folder, spare)
    for home in (folder / "postgres", folder / UNFINISHED):
        clear_shared_memory(home)
    leave(folder)
    if register is not None and register.keep_folder:
        for name in (REGISTER, LOCK):
            (folder / name).unlink(missing_ok=True)
    elif keep_logs:
        for path in folder.iterdir():
            if path.name not in {"logs", REGISTER}:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return ended


def _end_orphans(folder: Path, spare: int) -> None:
    """Kill processes with the folder in their environment, such as a dead server's backends.

    A backend leads its own session, so it can't be found by its dead server's number.
    """
    marks = {}
    for process in psutil.process_iter():
        with suppress(OSError, psutil.Error):
            is_ours = process.pid not in {os.getpid(), spare}
            if is_ours and process.environ().get(MARKER) == str(folder):
                marks[process.pid] = start_mark(process.pid) or ""
    for pid, mark in marks.items():
        _send(pid, mark, signal.SIGKILL)
    _all_end_within({pid: mark for pid, mark in marks.items() if mark}, KILLED_WITHIN_S)


def abandon(folder: Path) -> None:
    """End everything except the guard, and prevent further starts; all files stay."""
    register = close_register(folder)
    end_processes(folder, [] if register is None else [r for r in register.processes if r.wave])


def _end_wave(folder: Path, records: Sequence[ProcessRecord]) -> list[str]:
    targets: dict[int, str] = {}
    ended: list[str] = []
    for record in records:
        members = members_of(record, folder)
        if is_alive(record):
            targets[record.pid] = record.mark
            _send(record.pid, record.mark, record.stop_signal)
        if members or record.pid in targets:
            ended.append(record.name)
        targets |= members
        if record.pid not in targets:  # orphans have nobody to tell them
            for pid, mark in members.items():
                _send(pid, mark, signal.SIGTERM)
    if not _all_end_within(targets, max((record.grace_s for record in records), default=0)):
        for pid, mark in targets.items():
            _send(pid, mark, signal.SIGKILL)
        _all_end_within(targets, KILLED_WITHIN_S)
    return ended


def _send(pid: int, mark: str, number: int) -> None:
    # A process that has ended in the meantime is fine.
    with suppress(ProcessLookupError):
        if start_mark(pid) == mark:
            os.kill(pid, number)


def _all_end_within(targets: dict[int, str], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(start_mark(pid) == mark for pid, mark in targets.items()):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def reap(pid: int) -> int | None:
    """Reap a child that ended, and return its exit code; None if it runs or is not ours."""
    with suppress(ChildProcessError):
        done, status = os.waitpid(pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if done else None
    return None
