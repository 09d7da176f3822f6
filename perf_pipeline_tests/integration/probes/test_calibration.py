"""The load machine times fixed pieces of work, and says which of them it could not time."""

import os
import threading
from pathlib import Path

import pytest

from perf_pipeline.engine.machine_time import waited_us
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.probes.calibration import CPU, DISK, LOOPBACK, calibrate, usable_cpus


def test_each_part_of_the_machine_is_timed_and_nothing_is_left_behind(tmp_path: Path) -> None:
    threads = threading.active_count()

    readings, problems = calibrate(tmp_path, "before", origin_ns=0)

    assert [reading.name for reading in readings] == [CPU, LOOPBACK, DISK]
    assert {reading.source for reading in readings} == {"before"}
    assert all(reading.name in CATALOG and reading.value > 0 for reading in readings)
    assert problems == []
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() <= threads


def test_a_part_that_can_not_be_timed_is_told_and_the_others_are_timed(tmp_path: Path) -> None:
    folder = tmp_path / "gone"

    readings, (problem,) = calibrate(folder, "after", origin_ns=0)

    assert [reading.name for reading in readings] == [CPU, LOOPBACK]
    assert problem == (
        f"the speed of the disk of {folder} after the load is not known (No such file or "
        "directory), so a slower machine can't be told from a slower system by it"
    )


def test_a_disk_that_hangs_does_not_hold_the_run(tmp_path: Path) -> None:
    pipe = tmp_path / f"calibration-{os.getpid()}.tmp"
    os.mkfifo(pipe)  # opening it for writing hangs until somebody reads

    readings, (problem,) = calibrate(tmp_path, "before", origin_ns=0)

    assert [reading.name for reading in readings] == [CPU, LOOPBACK]
    assert problem == (
        f"the speed of the disk of {tmp_path} before the load is not known (no answer within "
        "10 s), so a slower machine can't be told from a slower system by it"
    )
    pipe.open("rb").close()


def test_a_machine_without_loopback_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(99, "Cannot assign requested address")

    monkeypatch.setattr("socket.create_server", refuse)

    readings, (problem,) = calibrate(tmp_path, "before", origin_ns=0)

    assert [reading.name for reading in readings] == [CPU, DISK]
    assert problem.startswith("the speed of loopback before the load is not known (Cannot assign")


def test_work_is_done_on_every_cpu_that_this_process_may_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 3, 5})

    assert 1 <= usable_cpus() <= 3


def test_the_time_that_tasks_waited_is_read_where_the_kernel_tells_it(tmp_path: Path) -> None:
    # the kernel's own example, Documentation/accounting/psi.rst, with totals of our choice
    (tmp_path / "cpu").write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=12345\n")
    (tmp_path / "io").write_text(
        "some avg10=1.00 avg60=0.00 avg300=0.00 total=77\n"
        "full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n"
    )
    (tmp_path / "memory").write_text("garbled")

    assert waited_us(tmp_path) == {"cpu": 12_345, "io": 77}
    assert waited_us(tmp_path / "none") == {}
