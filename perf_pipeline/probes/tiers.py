"""Read tiers that the profile defines by containers, systemd units or names of processes.

Add here: another way to find the processes of a tier on this machine. Keep out: counting what they
use (docker.py, processes.py), and queries (prometheus.py).
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import psutil

from perf_pipeline.metrics.sample import Reading
from perf_pipeline.probes.docker import DockerProbe
from perf_pipeline.probes.probe import ProbeError
from perf_pipeline.probes.processes import ProcessProbe

CORES: Final = "process_cores"
CGROUPS: Final = Path("/sys/fs/cgroup")
_PROC: Final = Path("/proc")
_LONGEST_NAME: Final = 15  # the longest name of a process in /proc/PID/comm (TASK_COMM_LEN)


class LocalTiers:
    """Read tiers whose processes run on this machine; the source of a reading is the tier.

    Args:
        units: the systemd units of each tier.
        processes: the names of processes of each tier.
        cores: the cores of each tier; a tier that is missing here has those of the machine.
        cgroups: the folder in which the kernel shows control groups.
        descriptors: whether to count open files and sockets as well.
    """

    name = "tiers"

    def __init__(
        self,
        units: Mapping[str, Sequence[str]],
        processes: Mapping[str, Sequence[str]],
        cores: Mapping[str, float],
        cgroups: Path = CGROUPS,
        *,
        descriptors: bool = False,
    ) -> None:
        self._cores = cores
        self._tiers: dict[str, Callable[[], Sequence[int]]] = {
            **{tier: partial(pids_of_units, names, cgroups) for tier, names in units.items()},
            **{tier: partial(pids_by_name, names) for tier, names in processes.items()},
        }
        self._probe = ProcessProbe(self._tiers, descriptors=descriptors)

    def open(self) -> None:
        """Read the counters from which the first rates are worked out.

        Raises:
            ProbeError: a tier has no process on this machine.
        """
        absent = [tier for tier, pids in self._tiers.items() if not pids()]
        if absent:
            raise ProbeError(f"no process of tier {', '.join(absent)} runs on this machine")
        self._probe.open()

    def read(self, at_us: int) -> list[Reading]:
        """Return CPU (in percent of one core), memory, I/O and cores of each tier."""
        readings = self._probe.read(at_us)
        return [*readings, *_with_cores(readings, self._cores, os.cpu_count() or 1)]

    def close(self) -> None:
        """Do nothing, because the probe holds no resources."""


class ContainerTiers:
    """Read tiers that consist of one or several containers.

    Args:
        containers: the containers of each tier.
        cores: the cores of each tier; a tier that is missing here has the limits of its containers.
        docker: the probe that reads single containers.
    """

    name = "tier-containers"

    def __init__(
        self,
        containers: Mapping[str, Sequence[str]],
        cores: Mapping[str, float],
        docker: DockerProbe,
    ) -> None:
        self._containers, self._docker = containers, docker
        self._given = dict(cores)
        self._cores = dict(cores)

    def open(self) -> None:
        """Connect, and find out how many cores each tier has.

        Raises:
            ProbeError: there is no engine, or it does not know a container.
        """
        self._docker.open()
        for tier, names in self._containers.items():
            if tier not in self._given:
                known = [self._docker.cores_of(name) for name in names]
                found = [cores for cores in known if cores is not None]
                if len(found) == len(names):
                    self._cores[tier] = sum(found)

    def read(self, at_us: int) -> list[Reading]:
        """Return the sums over each tier's containers, if all of them have a reading.

        Raises:
            ProbeError: the engine does not answer, or a container is gone.
        """
        by_name = {
            (reading.source, reading.name): reading.value for reading in self._docker.read(at_us)
        }
        metrics = sorted({metric for _, metric in by_name})
        readings: list[Reading] = []
        for tier, names in self._containers.items():
            for metric in metrics:
                values = [by_name[name, metric] for name in names if (name, metric) in by_name]
                if len(values) == len(names):
                    readings.append(Reading(at_us, tier, metric, sum(values)))
        return [*readings, *_with_cores(readings, self._cores, None)]

    def close(self) -> None:
        """Close the connection."""
        self._docker.close()


def _with_cores(
    readings: Sequence[Reading], cores: Mapping[str, float], otherwise: float | None
) -> Iterator[Reading]:
    for tier in sorted({reading.source for reading in readings}):
        count = cores.get(tier, otherwise)
        if count is not None:
            yield Reading(readings[0].at_us, tier, CORES, float(count))


def pids_of_units(units: Iterable[str], cgroups: Path = CGROUPS) -> list[int]:
    """Return the processes of systemd units, by their control groups (version 1 or 2)."""
    found: list[int] = []
    for unit in units:
        for pattern in ("*.slice", "*.slice/*.slice", "systemd/*.slice", "systemd/*.slice/*.slice"):
            for folder in cgroups.glob(f"{pattern}/{unit}"):
                for file in folder.rglob("cgroup.procs"):
                    with suppress(OSError, ValueError):
                        found += map(int, file.read_text(encoding="ascii").split())
    return sorted(set(found))


def pids_by_name(names: Iterable[str]) -> list[int]:
    """Return the processes with one of these names: the program's, or the one they chose."""
    wanted = set(names)
    short = {name[:_LONGEST_NAME] for name in wanted}
    found = []
    for pid in psutil.pids():
        with suppress(OSError):
            comm = (_PROC / str(pid) / "comm").read_text(encoding="utf-8", errors="replace")
            if comm.rstrip("\n") in short or _program(pid) in wanted:
                found.append(pid)
    return found


def _program(pid: int) -> str:
    line = (_PROC / str(pid) / "cmdline").read_bytes().partition(b"\0")[0]
    return Path(line.decode(errors="replace")).name if line else ""
