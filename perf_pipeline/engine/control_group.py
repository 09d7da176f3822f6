"""Read how much of the machine this process may use by its control groups, as in a container.

It reads versions 1 and 2 of Linux's control groups, including every group above ours, because the
narrowest limit counts. On other systems nothing is limited.

Source: Linux Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/, scheduler/sched-bwc.rst.

Add here: another limit of a control group. Keep out: what a limit means for a run (health.py).
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc/self")
# Version 1 says "no limit" with the largest multiple of a page that fits into 63 bits.
_NO_LIMIT_BYTES: Final = 1 << 60


@dataclass(frozen=True, slots=True)
class Limits:
    """Hold the narrowest limits that apply to this process.

    Attributes:
        cpu_cores: how much CPU it may use, in cores; None without a limit.
        memory_bytes: how much memory it may use; None without a limit.
    """

    cpu_cores: float | None = None
    memory_bytes: int | None = None


def read_limits(proc: Path = _PROC) -> Limits:
    """Read the limits of our control groups and of all groups above them.

    Args:
        proc: /proc/self, or a folder like it.
    """
    cores = [c for folder in _groups(proc, "cpu") for c in (_quota_v2(folder), _quota_v1(folder))]
    memory = [
        number
        for folder in _groups(proc, "memory")
        for name in ("memory.max", "memory.limit_in_bytes")
        if (number := _number(folder / name)) is not None and 0 <= number < _NO_LIMIT_BYTES
    ]
    return Limits(min((c for c in cores if c is not None), default=None), min(memory, default=None))


def allowed_cpus() -> int:
    """Count the CPUs that this process may run on, by its affinity; a quota is not looked at."""
    known = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return known or 1


def usable_cores(proc: Path = _PROC) -> int:
    """Count the whole cores that this process may keep busy: its CPUs, and its CPU limit."""
    quota = read_limits(proc).cpu_cores
    return allowed_cpus() if quota is None else min(allowed_cpus(), int(quota))


def throttled_us(proc: Path = _PROC) -> int:
    """Return for how long CPU limits have held us back so far; 0 without a limit.

    It is the longest time of our group and the groups above it, because only one of them holds us
    back at a time.
    """
    found = [0]
    for folder in _groups(proc, "cpu"):
        for line in _lines(folder / "cpu.stat"):
            name, _, value = line.partition(" ")
            if name == "throttled_usec":
                found.append(int(value))
            elif name == "throttled_time":  # version 1, in ns
                found.append(int(value) // 1_000)
    return max(found)


def _quota_v2(folder: Path) -> float | None:
    """Read `cpu.max`, which holds a quota or `max`, and the period, in µs."""
    words = " ".join(_lines(folder / "cpu.max")).split()
    if len(words) != 2 or not all(word.isdigit() for word in words):
        return None
    return int(words[0]) / int(words[1])


def _quota_v1(folder: Path) -> float | None:
    """Read the quota (-1 without a limit) and the period, in µs."""
    quota = _number(folder / "cpu.cfs_quota_us")
    period = _number(folder / "cpu.cfs_period_us")
    return quota / period if quota and period and quota > 0 else None


def _number(file: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int(file.read_text())
    return None


def _lines(file: Path) -> list[str]:
    with suppress(OSError):
        return file.read_text().splitlines()
    return []


def _groups(proc: Path, controller: str) -> Iterator[Path]:
    """Return the folders of our group and of those above it, in all hierarchies of a controller."""
    mounts = list(_mounts(proc))
    for line in _lines(proc / "cgroup"):
        controllers, _, path = line.partition(":")[2].partition(":")
        for kind, root, mount in mounts:
            if path and _is_of(controllers, controller, kind, mount):
                yield from _upwards(mount, path, root)


def _is_of(controllers: str, controller: str, kind: str, mount: Path) -> bool:
    if not controllers:
        return kind == "cgroup2"
    names = controllers.split(",")
    return kind == "cgroup" and controller in names and controller in mount.name.split(",")


def _mounts(proc: Path) -> Iterator[tuple[str, str, Path]]:
    """Return the type, root and folder of each mounted hierarchy (proc(5), mountinfo)."""
    for line in _lines(proc / "mountinfo"):
        before, _, after = line.partition(" - ")
        kind = after.split(" ", 1)[0]
        if kind in {"cgroup", "cgroup2"}:
            _, _, _, root, mount, *_ = before.split(" ")
            yield kind, root, Path(mount)


def _upwards(mount: Path, path: str, root: str) -> Iterator[Path]:
    """Return the group's folder and its parents; only the mount if the path is not below it.

    A container without its own namespace for control groups sees the path of its host.
    """
    inside = path.removeprefix(root.rstrip("/")).lstrip("/")
    folder = mount / inside
    if ".." in Path(inside).parts or not folder.is_dir():
        folder = mount
    while folder != mount:
        yield folder
        folder = folder.parent
    yield mount
