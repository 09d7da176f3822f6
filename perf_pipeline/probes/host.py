"""Read the machine that generates the load: CPU, memory, disks, network.

Add here: another gauge of the whole machine. Keep out: single processes (see `processes`).
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from perf_pipeline.engine.machine_time import waited_us
from perf_pipeline.metrics.sample import Reading
from perf_pipeline.probes.probe import MIN_SPAN_S

HOST = "host"
LOOPBACK = "lo"
_VIRTUAL_DISKS = ("loop", "ram", "zram", "dm-", "md", "sr", "fd")
_LINUX_BLOCK = Path("/sys/block")
_LINUX_NET = Path("/sys/class/net")


@dataclass(frozen=True, slots=True)
class _HostCounters:
    taken_ns: int
    busy_s: float
    total_s: float
    disk_bytes: int
    network_bytes: int
    loopback_bytes: int
    stolen_s: float | None
    waited_us: Mapping[str, int]


class HostProbe:
    """Read the whole machine; its CPU use is over all cores, 0 to 100 %.

    Waiting for a disk is idle time. Time stolen by a hypervisor is busy time, since nobody here can
    use it. Disks are the devices themselves, without partitions and without layers on top of them
    (loop, RAM, device-mapper). Network devices that belong to a bridge or a bond count only as part
    of it; a packet that is routed through two devices counts at both.
    """

    name = HOST

    def __init__(self) -> None:
        self._before = _snapshot()

    def open(self) -> None:
        """Read the counters from which the first rates are worked out."""
        self._before = _snapshot()

    def read(self, at_us: int) -> list[Reading]:
        """Return gauges, and also rates if the previous counters are at least MIN_SPAN_S old."""
        memory = psutil.virtual_memory()
        values: list[tuple[str, str, float]] = [
            (HOST, "host_memory_percent", memory.percent),
            (HOST, "host_memory_bytes", float(memory.total - memory.available)),
        ]
        if (frequency := _cpu_mhz()) is not None:
            values.append((HOST, "host_cpu_mhz", frequency))
        now = _snapshot()
        span_s = (now.taken_ns - self._before.taken_ns) / 1e9
        if span_s >= MIN_SPAN_S:
            values += _rates(self._before, now, span_s)
            self._before = now
        return [Reading(at_us, source, name, value) for source, name, value in values]

    def close(self) -> None:
        """Do nothing, because the probe holds no resources."""


def physical_disks(names: Iterable[str], block: Path = _LINUX_BLOCK) -> frozenset[str]:
    """Return the names of hardware disks, on which each byte is counted once.

    Hardware (and what a hypervisor shows as such) has a `device` link in Linux's /sys/block;
    partitions aren't listed there at all. If there are no such links, or no /sys, the names decide.
    """
    known = frozenset(names)
    real = frozenset(name for name in known if (block / name / "device").exists())
    if real:
        return real
    listed = frozenset(name for name in known if (block / name).exists()) or known
    return frozenset(name for name in listed if not name.startswith(_VIRTUAL_DISKS))


def outer_devices(names: Iterable[str], net: Path = _LINUX_NET) -> frozenset[str]:
    """Return the network devices that are neither loopback nor part of a bridge or bond."""
    return frozenset(
        name for name in names if not _is_loopback(name) and not (net / name / "master").exists()
    )


def _is_loopback(name: str) -> bool:
    return name == "lo" or (name.startswith("lo") and name[2:].isdigit())


def _snapshot() -> _HostCounters:
    times = psutil.cpu_times()._asdict()
    # Linux also counts a guest's time in `user` and `nice`.
    total_s = sum(times.values()) - times.get("guest", 0.0) - times.get("guest_nice", 0.0)
    disks = psutil.disk_io_counters(perdisk=True) or {}
    network = {
        name: counters.bytes_sent + counters.bytes_recv
        for name, counters in psutil.net_io_counters(pernic=True).items()
    }
    return _HostCounters(
        taken_ns=time.monotonic_ns(),
        busy_s=total_s - times["idle"] - times.get("iowait", 0.0),
        total_s=total_s,
        disk_bytes=sum(
            disks[name].read_bytes + disks[name].write_bytes for name in physical_disks(disks)
        ),
        network_bytes=_sum_of(network, outer_devices(network)),
        # The same device sends and receives a byte over loopback; it is counted once.
        loopback_bytes=_sum_of(network, frozenset(filter(_is_loopback, network))) // 2,
        stolen_s=times.get("steal"),
        waited_us=waited_us(),
    )


def _cpu_mhz() -> float | None:
    """Return the mean of the CPUs' current frequencies; None if the system reports none."""
    with suppress(OSError, NotImplementedError, AttributeError, ValueError):
        found = psutil.cpu_freq()
        if found is not None and found.current > 0:
            return float(found.current)
    return None


def _sum_of(counts: Mapping[str, int], names: frozenset[str]) -> int:
    return sum(counts[name] for name in names)


def _rates(
    before: _HostCounters, now: _HostCounters, span_s: float
) -> list[tuple[str, str, float]]:
    total_s = now.total_s - before.total_s
    busy = (now.busy_s - before.busy_s) / total_s if total_s > 0 else 0.0

    # Not below zero: when a device is unplugged, its counts disappear.
    def per_s(grown: int) -> float:
        return max(0, grown) / span_s

    return [
        (HOST, "host_cpu_percent", _percent(busy)),
        (HOST, "host_disk_bytes_per_s", per_s(now.disk_bytes - before.disk_bytes)),
        (HOST, "host_network_bytes_per_s", per_s(now.network_bytes - before.network_bytes)),
        (LOOPBACK, "host_network_bytes_per_s", per_s(now.loopback_bytes - before.loopback_bytes)),
        *((HOST, name, percent) for name, percent in _taken(before, now, span_s)),
    ]


def _taken(before: _HostCounters, now: _HostCounters, span_s: float) -> Iterator[tuple[str, float]]:
    """Yield what others took, if the system reports it: steal, and time spent waiting (PSI)."""
    total_s = now.total_s - before.total_s
    if before.stolen_s is not None and now.stolen_s is not None and total_s > 0:
        yield "host_cpu_steal_percent", _percent((now.stolen_s - before.stolen_s) / total_s)
    for resource, waited in now.waited_us.items():
        if resource in before.waited_us:
            share = (waited - before.waited_us[resource]) / 1e6 / span_s
            yield f"host_{resource}_pressure_percent", _percent(share)


def _percent(share: float) -> float:
    return 100 * min(1.0, max(0.0, share))
