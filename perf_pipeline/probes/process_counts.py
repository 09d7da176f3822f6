"""Read the counters of a family of processes, and work out their growth between two readings.

Add here: a counter that needs the same care when processes come and go. Keep out: when to read.

When a process has ended and its parent has waited for it, Linux adds its CPU time to the parent's
"children" times, and its bytes to the parent's own. So the growth of a family is the growth of its
living processes, children times included, minus what was already counted for the dead ones.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import psutil

# A limit of the platform: macOS does not report a process's I/O.
_HAS_IO: Final = hasattr(psutil.Process, "io_counters")


@dataclass(frozen=True, slots=True)
class Counts:
    """Hold one process's counters.

    Attributes:
        parent: its parent's pid.
        born_s: its start time, which tells it from an earlier process with the same pid.
        own_cpu_s: its user and system time.
        reaped_cpu_s: the same for its dead children and their dead children.
        io_bytes: bytes read and written; None if this user may not see them.
        resident_bytes: its resident memory.
        shared_bytes: the part of that memory that other processes may also map.
    """

    parent: int
    born_s: float
    own_cpu_s: float
    reaped_cpu_s: float
    io_bytes: int | None
    resident_bytes: int
    shared_bytes: int

    @property
    def cpu_s(self) -> float:
        """Return its own and its dead children's CPU time."""
        return self.own_cpu_s + self.reaped_cpu_s


def counts_of(pids: Iterable[int], parents: Mapping[int, int]) -> dict[int, Counts]:
    """Return the counters of the processes that still exist, zombies included."""
    found: dict[int, Counts] = {}
    for pid in pids:
        try:
            found[pid] = _look_at(psutil.Process(pid), parents.get(pid, 0))
        except psutil.NoSuchProcess:  # it ended; `cpu_growth_s` finds its time at its parent
            continue
    return found


def cpu_growth_s(
    before: Mapping[int, Counts], now: Mapping[int, Counts], known: frozenset[int]
) -> float:
    """Return the CPU time that the family used between two readings, never below zero.

    Args:
        before: the family at the first reading.
        now: the family at the second reading.
        known: every process of the machine at the first reading. Of processes that have joined the
            family since, those that were known count from now on, and new ones with all they used.
    """
    grown_s = 0.0
    for pid, counts in now.items():
        earlier = _same(before, pid, counts)
        if earlier is not None:
            grown_s += counts.cpu_s - earlier.cpu_s
        elif pid not in known:
            grown_s += counts.cpu_s
    for heir, dead in _dead_by_heir(before, now).items():
        inherited_s = now[heir].reaped_cpu_s - before[heir].reaped_cpu_s
        grown_s -= min(inherited_s, sum(counts.cpu_s for counts in dead))
    return max(0.0, grown_s)


def io_growth_bytes(
    before: Mapping[int, Counts], now: Mapping[int, Counts], known: frozenset[int]
) -> int | None:
    """Return the bytes that the family read and wrote; None if they are unknown for one process."""
    if any(counts.io_bytes is None for counts in now.values()):
        return None
    grown = 0
    for pid, counts in now.items():
        earlier = _same(before, pid, counts)
        if earlier is not None:
            grown += _io(counts) - _io(earlier)
        elif pid not in known:
            grown += _io(counts)
    for heir, dead in _dead_by_heir(before, now).items():
        inherited = _io(now[heir]) - _io(before[heir])
        grown -= min(inherited, sum(map(_io, dead)))
    return max(0, grown)


def resident_bytes(family: Mapping[int, Counts]) -> int:
    """Return the family's resident memory, with shared pages counted once.

    It is the sum of all private pages, plus the shared pages of the process that maps most of them.
    For PostgreSQL with 58 processes this gave 205 MB, where the exact proportional share (PSS) was
    226 MB and the plain sum of RSS 2,487 MB. PSS costs 34 ms per reading and holds the target's
    memory locks.
    """
    private = sum(counts.resident_bytes - counts.shared_bytes for counts in family.values())
    return private + max((counts.shared_bytes for counts in family.values()), default=0)


def descriptors_of(pids: Iterable[int]) -> int | None:
    """Count the open files and sockets of the processes; None if unknown for one of them."""
    found = 0
    for pid in pids:
        try:
            found += psutil.Process(pid).num_fds()
        except psutil.AccessDenied:
            return None
        except psutil.NoSuchProcess:  # it ended, so it has none
            continue
    return found


def _look_at(process: psutil.Process, parent: int) -> Counts:
    with process.oneshot():
        times, memory = process.cpu_times(), process.memory_info()
        return Counts(
            parent=parent,
            born_s=process.create_time(),
            own_cpu_s=times.user + times.system,
            reaped_cpu_s=times.children_user + times.children_system,
            io_bytes=_io_bytes(process),
            resident_bytes=memory.rss,
            shared_bytes=getattr(memory, "shared", 0),
        )


def _io_bytes(process: psutil.Process) -> int | None:
    if not _HAS_IO:
        return None
    try:
        counters = process.io_counters()
    except psutil.AccessDenied:
        return None
    return int(counters.read_bytes + counters.write_bytes)


def _io(counts: Counts) -> int:
    return counts.io_bytes or 0


def _same(before: Mapping[int, Counts], pid: int, counts: Counts) -> Counts | None:
    earlier = before.get(pid)
    return earlier if earlier is not None and earlier.born_s == counts.born_s else None


def _dead_by_heir(
    before: Mapping[int, Counts], now: Mapping[int, Counts]
) -> dict[int, list[Counts]]:
    """Group ended processes by their nearest living ancestor in the family."""
    found: dict[int, list[Counts]] = {}
    for pid, counts in before.items():
        if pid in now and _same(before, pid, now[pid]) is not None:
            continue
        heir = counts.parent
        while heir in before and heir not in now:
            heir = before[heir].parent
        if heir in before and heir in now:
            found.setdefault(heir, []).append(counts)
    return found
