"""Read the processes of each part of the system, children included: CPU, memory, I/O.

Add here: another gauge that every process has. Keep out: containers (see `docker`), and which
processes belong to a part, which the caller knows.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from perf_pipeline.metrics.sample import Reading
from perf_pipeline.probes.probe import MIN_SPAN_S
from perf_pipeline.probes.process_counts import (
    Counts,
    counts_of,
    cpu_growth_s,
    descriptors_of,
    io_growth_bytes,
    resident_bytes,
)

Pids = Sequence[int] | Callable[[], Sequence[int]]
_SELF: Final = Path("/proc/self")
# It holds 52 numbers of at most 20 digits, and a name of at most 64 bytes.
_LONGEST_STAT_BYTES: Final = 4_096
_NONE: Final[Mapping[int, Counts]] = {}


class ProcessProbe:
    """Read the processes of each part; two busy processes have a CPU use of 200 %.

    A part consists of its pids and all their descendants, except for pids of other parts and their
    descendants, since the load generator may have started the stack. A process that started and
    ended between two readings counts, because its parent has its CPU time and bytes after waiting
    for it. A part without a live process has no reading.

    Args:
        parts: the pids of each part, or a function that returns them at every reading.
        descriptors: whether to count open files and sockets as well, which takes a system call for
            each.
    """

    name = "processes"

    def __init__(self, parts: Mapping[str, Pids], *, descriptors: bool = False) -> None:
        self._parts = dict(parts)
        self._descriptors = descriptors and hasattr(psutil.Process, "num_fds")
        self._before: Mapping[str, Mapping[int, Counts]] = {}
        self._known: frozenset[int] = frozenset()
        self._taken_ns = 0

    def open(self) -> None:
        """Read the counters from which the first rates are worked out."""
        parents = _parents()
        self._taken_ns = time.monotonic_ns()
        self._before, self._known = self._count(parents), frozenset(parents)

    def read(self, at_us: int) -> list[Reading]:
        """Return memory, and also rates if the previous counters are at least MIN_SPAN_S old."""
        parents = _parents()
        taken_ns = time.monotonic_ns()
        now = self._count(parents)
        values = [
            (part, "process_memory_bytes", float(resident_bytes(counts)))
            for part, counts in now.items()
            if counts
        ]
        if self._descriptors:
            values += _descriptors(now)
        span_s = (taken_ns - self._taken_ns) / 1e9
        if span_s >= MIN_SPAN_S:
            for part, counts in now.items():
                before = self._before.get(part, _NONE)
                values += _rates(part, before, counts, self._known, span_s)
            self._before, self._known, self._taken_ns = now, frozenset(parents), taken_ns
        return [Reading(at_us, part, name, value) for part, name, value in values]

    def close(self) -> None:
        """Do nothing, because the probe holds no resources."""

    def _count(self, parents: Mapping[int, int]) -> Mapping[str, Mapping[int, Counts]]:
        roots = {part: _pids(pids) for part, pids in self._parts.items()}
        claimed = frozenset().union(*roots.values())
        children: dict[int, list[int]] = {}
        for pid, parent in parents.items():
            children.setdefault(parent, []).append(pid)
        return {
            part: counts_of(_family(own, children, claimed), parents) for part, own in roots.items()
        }


def _pids(pids: Pids) -> frozenset[int]:
    return frozenset(pids() if callable(pids) else pids)


def _parents() -> dict[int, int]:
    """Return every process's parent; with /proc, this costs a quarter of what psutil takes.

    It is called while the load runs, on a machine that may have a thousand processes.
    """
    found: dict[int, int] = {}
    if _SELF.exists():
        for pid in psutil.pids():
            with suppress(OSError):  # it ended in the meantime
                # The second field is the name in parentheses, which may hold anything.
                found[pid] = int(_stat_of(pid).rpartition(b")")[2].split(maxsplit=2)[1])
        return found
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            found[process.pid] = process.ppid()
    return found


def _stat_of(pid: int) -> bytes:
    """Read /proc/PID/stat; with a Path and a file object it would take three times the CPU."""
    descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    try:
        return os.read(descriptor, _LONGEST_STAT_BYTES)
    finally:
        os.close(descriptor)


def _family(
    roots: frozenset[int], children: Mapping[int, Sequence[int]], claimed: frozenset[int]
) -> list[int]:
    found, rest = [], list(roots)
    while rest:
        pid = rest.pop()
        found.append(pid)
        rest += [child for child in children.get(pid, ()) if child not in claimed]
    return found


def _descriptors(now: Mapping[str, Mapping[int, Counts]]) -> Iterator[tuple[str, str, float]]:
    for part, counts in now.items():
        count = descriptors_of(counts) if counts else None
        if count is not None:
            yield part, "process_descriptors", float(count)


def _rates(
    part: str,
    before: Mapping[int, Counts],
    now: Mapping[int, Counts],
    known: frozenset[int],
    span_s: float,
) -> list[tuple[str, str, float]]:
    if not now:
        return []
    rates = [(part, "process_cpu_percent", 100 * cpu_growth_s(before, now, known) / span_s)]
    io_bytes = io_growth_bytes(before, now, known)
    if io_bytes is not None:
        rates.append((part, "process_io_bytes_per_s", io_bytes / span_s))
    return rates
