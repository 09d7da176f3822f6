"""Kill, stop, pause and continue a part of a running stack, or fill its disk: what a fault does.

Add here: another thing that can happen to a part. Keep out: when it happens (loading/), and the
way back of a part that has ended (revival.py).
"""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from perf_pipeline.errors import StackError
from perf_pipeline.stack.ending import end_processes, members_of
from perf_pipeline.stack.process_register import (
    ProcessRecord,
    is_alive,
    read_register,
    start_mark,
)
from perf_pipeline.stack.small_disk import disk_of, empty_disk, fill_disk

Marked: TypeAlias = tuple[int, str]
"""A process: its pid and its start mark, which no other process with this pid has."""


def require_part(folder: Path, part: str) -> None:
    """Refuse a part that does not run in the folder's stack.

    Raises:
        StackError: it names what runs.
    """
    if not any(is_alive(record) for record in _records(folder, part)):
        register = read_register(folder)
        running = () if register is None else register.processes
        names = dict.fromkeys(record.part for record in running if is_alive(record) and record.wave)
        raise StackError(
            f"{part} does not run in the stack of this run, so no fault can hit it",
            hint=f"these parts run: {', '.join(names) or 'none'}",
        )


def kill_part(folder: Path, part: str, only: str = "") -> None:
    """Kill all processes of a part at once, as the end of its machine would.

    Args:
        folder: the folder of the stack.
        part: its name.
        only: the name of the one process that is hit, with what it has started.
    """
    _send(processes_of(folder, part, only), signal.SIGKILL)


def stop_part(folder: Path, part: str, only: str = "") -> None:
    """Stop a part in the way that it wants to be stopped; one that takes too long is killed."""
    end_processes(folder, _records(folder, part, only))


def pause(processes: Iterable[Marked]) -> None:
    """Stop the clock of processes until `resume`."""
    _send(processes, signal.SIGSTOP)


def fill_disk_of(folder: Path, part: str, only: str = "") -> None:
    """Take all room on the disk of a part that has one of its own (small_disk.py).

    Args:
        folder: the folder of the stack.
        part: its name.
        only: the name of the one process whose disk is filled; those of all without it.

    Raises:
        StackError: it does not run, has no such disk, or ended meanwhile.
    """
    running = [process for process in _records(folder, part, only) if is_alive(process)]
    if not running:
        raise StackError(f"{part} does not run, so its disk can't be filled")
    for process in running:
        fill_disk(disk_of(folder, process.name), process.pid)


def empty_disks_of(folder: Path, part: str) -> None:
    """Give back what was taken of the disks of a part, where it runs."""
    for process in _records(folder, part):
        if is_alive(process):
            empty_disk(disk_of(folder, process.name), process.pid)


def resume(processes: Iterable[Marked]) -> None:
    """Let paused processes go on; those that have ended are passed over."""
    _send(processes, signal.SIGCONT)


def processes_of(folder: Path, part: str, only: str = "") -> tuple[Marked, ...]:
    """Return the processes of a part that run now, each leader before what it has started."""
    return tuple(
        marked
        for record in _records(folder, part, only)
        if is_alive(record)
        for marked in ((record.pid, record.mark), *members_of(record, folder).items())
    )


def leaders_of(folder: Path, part: str) -> tuple[int, ...]:
    """Return the pids of what was started as a part and runs now, without what those started."""
    return tuple(record.pid for record in _records(folder, part) if is_alive(record))


def _records(folder: Path, part: str, only: str = "") -> list[ProcessRecord]:
    register = read_register(folder)
    found = () if register is None else register.processes
    return [process for process in found if process.part == part and only in {"", process.name}]


def _send(processes: Iterable[Marked], number: signal.Signals) -> None:
    for pid, mark in processes:
        with suppress(ProcessLookupError):
            if start_mark(pid) == mark:
                os.kill(pid, number)
