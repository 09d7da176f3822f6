"""Measure how much of the machine's time others used: hypervisor, CPU limit, neighbours.

Add here: another counter of the operating system that shows that others used the machine.
Keep out: what the workers measure about themselves (watch.py), limits and sentences (health.py).
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perf_pipeline.engine.control_group import throttled_us
from perf_pipeline.units import US_PER_S

_STAT: Final = Path("/proc/stat")
_PRESSURE: Final = Path("/proc/pressure")
_RESOURCES: Final = ("cpu", "io", "memory")


@dataclass(frozen=True, slots=True)
class MachineTime:
    """Hold counters that only grow; two readings give shares of the time between them.

    Attributes:
        at_us: when they were read, by the monotonic clock.
        cpu_us: CPU time of all cores together, idle or not.
        steal_us: CPU time that a hypervisor took (proc(5), /proc/stat; 0 if unknown).
        waiting_us: time in which a task waited for a core (PSI, "some"; 0 if unknown).
        throttled_us: time in which a CPU limit held our control group back (0 if unknown).
    """

    at_us: int
    cpu_us: int = 0
    steal_us: int = 0
    waiting_us: int = 0
    throttled_us: int = 0

    def shares_since(self, before: "MachineTime") -> dict[str, float]:
        """Return the shares of the time since an earlier reading, from 0 to 1."""
        cpu_us, wall_us = self.cpu_us - before.cpu_us, self.at_us - before.at_us
        return {
            "cpu_steal_ratio": _share(self.steal_us - before.steal_us, cpu_us),
            "cpu_pressure_ratio": _share(self.waiting_us - before.waiting_us, wall_us),
            "cpu_throttled_ratio": _share(self.throttled_us - before.throttled_us, wall_us),
        }


def read_machine_time() -> MachineTime:
    """Read the counters now."""
    cpu_us, steal_us = _cpu_and_steal_us()
    waiting_us = waited_us().get("cpu", 0)
    return MachineTime(time.monotonic_ns() // 1_000, cpu_us, steal_us, waiting_us, throttled_us())


def _cpu_and_steal_us() -> tuple[int, int]:
    """Read the line of all cores: user, nice, system, idle, iowait, irq, softirq, steal.

    Two more fields, the time of guests, are already counted in `user` and `nice` (proc(5)).
    """
    with suppress(OSError, ValueError):
        ticks = [int(word) for word in _STAT.read_text().splitlines()[0].split()[1:9]]
        tick_us = US_PER_S // os.sysconf("SC_CLK_TCK")
        return sum(ticks) * tick_us, (ticks[7] * tick_us if len(ticks) == 8 else 0)
    return 0, 0


def waited_us(folder: Path = _PRESSURE) -> Mapping[str, int]:
    """Return how long some task has waited for each resource so far, in µs.

    It is empty if the kernel does not tell (before Linux 4.20, `psi=0`, many containers).
    Source: Linux, Documentation/accounting/psi.rst.
    """
    return dict(_waited(folder))


def _waited(folder: Path) -> Iterator[tuple[str, int]]:
    for resource in _RESOURCES:
        with suppress(OSError, ValueError):
            for line in (folder / resource).read_text(encoding="ascii").splitlines():
                kind, _, fields = line.partition(" ")
                if kind == "some":
                    yield resource, int(fields.rpartition("total=")[2])


def _share(part: int, whole: int) -> float:
    return min(1.0, max(0.0, part / whole)) if whole > 0 else 0.0
