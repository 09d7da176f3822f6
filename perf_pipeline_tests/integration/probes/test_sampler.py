"""The sampler on the real clock: bounds only, since the machine is shared."""

import csv
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from perf_pipeline.metrics.sample import READING_COLUMNS, Reading
from perf_pipeline.probes import sampler as sampler_module
from perf_pipeline.probes.host import HostProbe
from perf_pipeline.probes.probe import ProbeError
from perf_pipeline.probes.sampler import Sampler

TICK_US = 50_000


class Counting:
    """Give 1, 2, 3 ..., slowly or not at all when told so."""

    def __init__(self, name: str = "counting", takes_s: float = 0.0) -> None:
        self.name = name
        self.takes_s = takes_s
        self.reads = self.opened = self.closed = 0
        self.is_broken = False
        self.hang = threading.Event()
        self.hang.set()

    def open(self) -> None:
        self.opened += 1

    def read(self, at_us: int) -> list[Reading]:
        self.hang.wait()
        time.sleep(self.takes_s)
        if self.is_broken:
            raise ProbeError("the system under watch is away")
        self.reads += 1
        return [Reading(at_us, "test", "redis_memory_bytes", float(self.reads))]

    def close(self) -> None:
        self.closed += 1


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"readings-{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def moments_us(folder: Path, name: str) -> list[int]:
    return [int(row["at_us"]) for row in rows(folder, name) if row["name"] == "redis_memory_bytes"]


def test_there_are_readings_before_during_and_after_the_load(tmp_path: Path) -> None:
    origin_ns = time.monotonic_ns()
    with Sampler([(Counting(), TICK_US)], tmp_path, origin_ns) as sampler:
        load_began_us = (time.monotonic_ns() - origin_ns) // 1_000
        time.sleep(0.4)
        load_ended_us = (time.monotonic_ns() - origin_ns) // 1_000

    at_us = moments_us(tmp_path, "counting")
    assert at_us[0] <= load_began_us
    assert at_us[-1] >= load_ended_us
    assert any(load_began_us < moment < load_ended_us for moment in at_us)
    assert sampler.problems == ()


def test_the_file_has_the_columns_of_a_reading(tmp_path: Path) -> None:
    with Sampler([(Counting(), TICK_US)], tmp_path, time.monotonic_ns()):
        pass

    header = (tmp_path / "readings-counting.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == ",".join(READING_COLUMNS)


def test_the_real_distance_of_readings_is_stored(tmp_path: Path) -> None:
    with Sampler([(Counting(takes_s=0.12), TICK_US)], tmp_path, time.monotonic_ns()):
        time.sleep(0.8)

    at_us = moments_us(tmp_path, "counting")
    stored = [
        float(row["value"])
        for row in rows(tmp_path, "counting")
        if row["name"] == "sampling_interval_s"
    ]
    assert stored == pytest.approx([(later - earlier) / 1e6 for earlier, later in pairwise(at_us)])
    assert min(stored) >= 0.12


def test_a_slow_read_skips_ticks_and_never_piles_up(tmp_path: Path) -> None:
    probe = Counting(takes_s=0.12)
    with Sampler([(probe, TICK_US)], tmp_path, time.monotonic_ns()):
        time.sleep(1.0)
        reads = probe.reads

    # 20 ticks in a second; a read takes more than two of them, so at most every third is kept.
    assert 1 <= reads <= 8


def test_a_probe_that_hangs_delays_neither_others_nor_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampler_module, "BEFORE_S", 0.5)
    monkeypatch.setattr(sampler_module, "AFTER_S", 0.5)
    hanging, healthy = Counting("hanging"), Counting("healthy")
    hanging.hang.clear()
    with Sampler(
        [(hanging, TICK_US), (healthy, TICK_US)], tmp_path, time.monotonic_ns()
    ) as sampler:
        time.sleep(0.5)
        began = time.monotonic()
    took_s = time.monotonic() - began
    hanging.hang.set()

    assert healthy.reads >= 3
    assert took_s < 3
    assert sampler.problems == (
        "probe hanging did not answer within 0.5 s at the end; its last reading is missing",
    )
    assert rows(tmp_path, "hanging") == []


def test_a_failing_probe_is_told_once_and_tried_again(tmp_path: Path) -> None:
    probe = Counting()
    probe.is_broken = True
    with Sampler([(probe, TICK_US)], tmp_path, time.monotonic_ns()) as sampler:
        while probe.opened < 3:
            time.sleep(0.02)
        (while_away,) = sampler.problems
        probe.is_broken = False
        while not probe.reads:
            time.sleep(0.02)

    (problem,) = sampler.problems
    assert "probe counting failed" in while_away
    assert "the system under watch is away; it has not answered since" in while_away
    assert "it answered again after" in problem
    assert probe.closed == probe.opened


def test_an_unexpected_error_neither_ends_the_sampling_nor_shows_its_text(tmp_path: Path) -> None:
    class Mistaken(Counting):
        def read(self, at_us: int) -> list[Reading]:
            raise KeyError(f"postgresql://user:hunter2@db at {at_us}")

    with Sampler([(Mistaken(), TICK_US)], tmp_path, time.monotonic_ns()) as sampler:
        pass

    (problem,) = sampler.problems
    assert "unexpected KeyError at test_sampler.py:" in problem
    assert "hunter2" not in problem


def test_readings_that_cannot_be_written_are_a_problem(tmp_path: Path) -> None:
    (tmp_path / "readings-counting.csv").mkdir()

    with Sampler([(Counting(), TICK_US)], tmp_path, time.monotonic_ns()) as sampler:
        pass

    (problem,) = sampler.problems
    assert "can't be written to readings-counting.csv: Is a directory" in problem


def test_two_probes_with_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two probes share a name: counting, counting"):
        Sampler([(Counting(), 1), (Counting(), 1)], tmp_path, 0)


@pytest.mark.parametrize(
    ("name", "interval_us", "sentence"),
    [
        ("../x", 1, "can't be the name of a file"),
        ("x", 0, "has the interval 0 µs; it must be at least 1"),
    ],
)
def test_a_probe_that_cannot_be_scheduled_is_refused(
    tmp_path: Path, name: str, interval_us: int, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        Sampler([(Counting(name), interval_us)], tmp_path, 0)


CRASHING = """
import sys, time
from pathlib import Path
from perf_pipeline.probes.host import HostProbe
from perf_pipeline.probes.sampler import Sampler
with Sampler([(HostProbe(), 20_000)], Path(sys.argv[1]), time.monotonic_ns()):
    print("sampling", flush=True)
    time.sleep(60)
"""


def test_readings_survive_kill_9_as_whole_lines(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CRASHING, str(tmp_path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)

    text = (tmp_path / "readings-host.csv").read_text(encoding="utf-8")
    assert text.endswith("\n")
    assert all(line.count(",") == 3 for line in text.splitlines())
    assert len(text.splitlines()) > 5


def test_a_sampler_that_was_never_started_ends_at_once_and_leaves_no_file(tmp_path: Path) -> None:
    Sampler([(Counting(), TICK_US)], tmp_path, time.monotonic_ns()).stop()

    assert list(tmp_path.iterdir()) == []


def test_a_sampler_is_started_once(tmp_path: Path) -> None:
    probe = Counting()
    with Sampler([(probe, 60_000_000)], tmp_path, time.monotonic_ns()) as sampler:
        sampler.start()

    assert probe.opened == 1


def test_the_reading_before_the_load_has_rates(tmp_path: Path) -> None:
    with Sampler([(HostProbe(), 60_000_000)], tmp_path, time.monotonic_ns()):
        first = {row["name"] for row in rows(tmp_path, "host")}

    assert {"host_cpu_percent", "host_disk_bytes_per_s", "host_memory_percent"} <= first
