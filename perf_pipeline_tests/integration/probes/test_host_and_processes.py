"""Host and process probes against processes that say themselves what they used."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest

from perf_pipeline.engine.machine_time import waited_us
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.sample import Reading
from perf_pipeline.probes.host import HostProbe, physical_disks
from perf_pipeline.probes.probe import MIN_SPAN_S
from perf_pipeline.probes.processes import ProcessProbe
from perf_pipeline_tests.support.places import own_state

MIB = 1 << 20
PREAMBLE = """
import json, mmap, os, resource, sys, time
def used():
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    usages = [resource.getrusage(kind) for kind in kinds]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until: pass
def say(**facts):
    print(json.dumps({"used_s": used(), **facts}), flush=True)
def child(work):
    pid = os.fork()
    if not pid:
        work(); os._exit(0)
    return pid
say()
for line in sys.stdin:
    exec(line)
    say()
"""


class Talker:
    """A process that does what it is told and answers with the CPU time it used by then."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.pid = process.pid
        self._process = process
        self.used_s: float = self._listen()["used_s"]

    def do(self, statement: str) -> float:
        """Return the CPU seconds that it and its dead children used for it."""
        assert self._process.stdin is not None
        self._process.stdin.write(statement + "\n")
        self._process.stdin.flush()
        before, self.used_s = self.used_s, self._listen()["used_s"]
        return self.used_s - before

    def _listen(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@contextmanager
def talking() -> Iterator[Talker]:
    with subprocess.Popen(
        [sys.executable, "-c", PREAMBLE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Talker(process)
        finally:
            process.kill()


def value(readings: list[Reading], source: str, name: str) -> float:
    (found,) = [entry.value for entry in readings if (entry.source, entry.name) == (source, name)]
    return found


class Watch:
    """Reads a part and turns its rates back into amounts, over the probe's own time span."""

    def __init__(self, probe: ProcessProbe) -> None:
        self.probe = probe
        probe.open()
        self._taken_ns = probe._taken_ns

    def grown(self, part: str, name: str) -> float:
        time.sleep(MIN_SPAN_S)
        readings = self.probe.read(0)
        span_s = (self.probe._taken_ns - self._taken_ns) / 1e9
        self._taken_ns = self.probe._taken_ns
        return value(readings, part, name) * span_s

    def cpu_s(self, part: str = "api") -> float:
        return self.grown(part, "process_cpu_percent") / 100


# CPU time is told in ticks of 10 ms per process, user and system apart.
TICKS_S = 0.06


def test_the_cpu_time_of_a_part_is_what_its_process_says_it_used() -> None:
    with talking() as talker:
        watch = Watch(ProcessProbe({"api": [talker.pid]}))
        used_s = talker.do("burn(0.5)")

        assert used_s >= 0.5
        assert watch.cpu_s() == pytest.approx(used_s, abs=TICKS_S)


def test_children_that_live_and_die_between_two_readings_count() -> None:
    with talking() as talker:
        watch = Watch(ProcessProbe({"api": [talker.pid]}))
        used_s = talker.do("[os.waitpid(child(lambda: burn(0.2)), 0) for _ in range(3)]")

        assert used_s >= 0.6
        assert watch.cpu_s() == pytest.approx(used_s, abs=TICKS_S)


def test_a_child_that_dies_after_it_was_read_is_not_counted_twice() -> None:
    with talking() as talker:
        talker.do("gate = os.pipe(); go = os.pipe()")
        watch = Watch(ProcessProbe({"api": [talker.pid]}))
        talker.do(
            "pid = child(lambda: (burn(0.4), os.write(gate[1], b'x'), os.read(go[0], 1)));"
            "os.read(gate[0], 1)"
        )
        while_alive_s = watch.cpu_s()
        talker.do("os.write(go[1], b'x'); os.waitpid(pid, 0)")
        after_s = watch.cpu_s()

    assert while_alive_s == pytest.approx(0.4, abs=TICKS_S)
    assert 0 <= after_s <= TICKS_S


def test_a_zombie_keeps_its_time_until_its_parent_has_it() -> None:
    with talking() as talker:
        watch = Watch(ProcessProbe({"api": [talker.pid]}))
        talker.do("pid = child(lambda: burn(0.4))")
        zombie = psutil.Process(talker.pid).children()[0]
        while zombie.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.02)
        as_zombie_s = watch.cpu_s()
        talker.do("os.waitpid(pid, 0)")
        after_s = watch.cpu_s()

    assert as_zombie_s == pytest.approx(0.4, abs=TICKS_S)
    assert 0 <= after_s <= TICKS_S


@pytest.fixture
def on_disk() -> Iterator[Path]:
    """Give a folder on a disk, where pytest's may be in memory."""
    with TemporaryDirectory(dir=own_state()) as name:
        yield Path(name)


def test_bytes_written_by_a_part_count_also_from_a_dead_child(on_disk: Path) -> None:
    with talking() as talker:
        watch = Watch(ProcessProbe({"api": [talker.pid]}))
        path = str(on_disk / "written")
        talker.do(
            f"write = lambda: open({path!r}, 'wb').write(bytes({4 * MIB})) and None;"
            "os.waitpid(child(write), 0)"
        )
        written = watch.grown("api", "process_io_bytes_per_s")

    # The rate times the elapsed time is back to bytes within a rounding step of binary fractions.
    assert 4 * MIB - 1 <= written < 8 * MIB


def test_memory_that_processes_share_is_counted_once() -> None:
    with talking() as talker:
        probe = ProcessProbe({"api": [talker.pid]})
        probe.open()
        before = value(probe.read(0), "api", "process_memory_bytes")
        talker.do(
            f"shared = mmap.mmap(-1, {64 * MIB}); gate = os.pipe();"
            f"touch = lambda: [shared.__setitem__(at, 1) for at in range(0, {64 * MIB}, 4096)];"
            "touch(); hold = lambda: (touch(), os.write(gate[1], b'x'), time.sleep(60));"
            "pids = [child(hold) for _ in range(3)]; [os.read(gate[0], 1) for _ in pids]"
        )
        grown = value(probe.read(0), "api", "process_memory_bytes") - before
        talker.do("[os.kill(pid, 9) for pid in pids]; [os.waitpid(pid, 0) for pid in pids]")

    # Four processes map the same 64 MiB; three Python processes add some MB of their own.
    assert 60 * MIB <= grown < 2 * 64 * MIB


def test_a_part_with_no_process_left_has_no_reading() -> None:
    with talking() as talker:
        probe = ProcessProbe({"api": [talker.pid], "worker": lambda: [talker.pid]})
        probe.open()
    time.sleep(MIN_SPAN_S)

    assert probe.read(0) == []


def test_a_part_does_not_contain_the_processes_of_another_part() -> None:
    with talking() as talker:
        probe = ProcessProbe({"generator": [os.getpid()], "api": [talker.pid]})
        watch = Watch(probe)
        talker.do("burn(0.5)")
        generator_s, now = watch.cpu_s("generator"), probe._before

    assert generator_s < 0.4
    assert talker.pid not in now["generator"]
    assert set(now["api"]) == {talker.pid}


def test_rates_need_a_time_span() -> None:
    probe = ProcessProbe({"generator": [os.getpid()]})
    probe.open()

    assert [reading.name for reading in probe.read(0)] == ["process_memory_bytes"]


def test_every_host_reading_is_in_the_catalog() -> None:
    probe = HostProbe()
    probe.open()
    time.sleep(MIN_SPAN_S)
    readings = probe.read(42)

    assert {reading.at_us for reading in readings} == {42}
    told_by_some = {
        ("host", name)
        for name in CATALOG
        if name in {"host_cpu_mhz", "host_cpu_steal_percent"} or "_pressure_" in name
    }
    assert {(reading.source, reading.name) for reading in readings} - told_by_some == {
        ("host", "host_cpu_percent"),
        ("host", "host_memory_percent"),
        ("host", "host_memory_bytes"),
        ("host", "host_disk_bytes_per_s"),
        ("host", "host_network_bytes_per_s"),
        ("lo", "host_network_bytes_per_s"),
    }
    assert all(reading.name in CATALOG for reading in readings)


def test_what_others_take_is_read_where_this_machine_tells_it() -> None:
    probe = HostProbe()
    probe.open()
    time.sleep(MIN_SPAN_S)
    found = {reading.name: reading.value for reading in probe.read(0)}

    assert ("host_cpu_steal_percent" in found) == ("steal" in psutil.cpu_times()._fields)
    assert ("host_cpu_pressure_percent" in found) == bool(waited_us())
    shares = [value for name, value in found.items() if "steal" in name or "pressure" in name]
    assert all(0 <= value <= 100 for value in shares)


def test_host_cpu_holds_what_a_process_used() -> None:
    cores = psutil.cpu_count() or 1
    with talking() as talker:
        probe = HostProbe()
        probe.open()
        began = time.monotonic()
        used_s = talker.do("burn(0.6)")
        percent = value(probe.read(0), "host", "host_cpu_percent")
        span_s = time.monotonic() - began

    # Others work on this machine, too: a lower bound and the definition's upper one.
    assert 100 * used_s / span_s / cores * 0.9 <= percent <= 100


def test_loopback_traffic_has_a_source_of_its_own_and_counts_once() -> None:
    probe = HostProbe()
    with socket.create_server(("127.0.0.1", 0)) as server:
        probe.open()
        before = probe._before
        sent = 32 * MIB
        sender = threading.Thread(target=_send, args=(server.getsockname(), sent))
        sender.start()
        connection, _ = server.accept()
        with connection:
            received = 0
            while chunk := connection.recv(MIB):
                received += len(chunk)
        sender.join()
        time.sleep(MIN_SPAN_S)
        per_s = value(probe.read(0), "lo", "host_network_bytes_per_s")
        span_s = (probe._before.taken_ns - before.taken_ns) / 1e9

    assert received == sent
    assert sent <= per_s * span_s


def _send(address: tuple[str, int], count: int) -> None:
    with socket.create_connection(address) as connection:
        connection.sendall(bytes(count))


@pytest.mark.skipif(
    not physical_disks(psutil.disk_io_counters(perdisk=True) or {}), reason="no disk to see here"
)
def test_bytes_on_a_disk_are_counted_once(on_disk: Path) -> None:
    probe = HostProbe()
    probe.open()
    before = probe._before
    with (on_disk / "written").open("wb") as file:
        file.write(os.urandom(16 * MIB))
        file.flush()
        os.fsync(file.fileno())
    time.sleep(MIN_SPAN_S)
    written = value(probe.read(0), "host", "host_disk_bytes_per_s")
    written *= (probe._before.taken_ns - before.taken_ns) / 1e9
    partitions = psutil.disk_partitions()

    if any(on_disk.is_relative_to(entry.mountpoint) for entry in partitions):
        assert written >= 16 * MIB
