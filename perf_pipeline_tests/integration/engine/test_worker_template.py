"""Loads of workers that are forks of a template: the same load, the same ends."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from perf_pipeline.engine import worker_start
from perf_pipeline.engine.forked_worker import worker_template
from perf_pipeline.engine.worker_start import Child, StartWorker
from perf_pipeline_tests.support.commands.forked import started
from perf_pipeline_tests.support.loads.engine_loads import job_of, load, samples, scenario
from perf_pipeline_tests.support.loads.own_processes import command_lines

RATE = {"executor": "constant-arrival-rate", "rate": 100, "duration": "1s", "preAllocatedVUs": 9}
FOR_A_MINUTE = {"executor": "constant-vus", "vus": 4, "duration": "60s"}
MODULE = "perf_pipeline.engine.worker_template"


@pytest.fixture
def start() -> Iterator[StartWorker]:
    with worker_template(["perf_pipeline_tests.support.loads.engine_workloads"]) as made:
        yield made


def template_of(driver: int) -> psutil.Process:
    found = command_lines(psutil.Process(driver))
    (template,) = (
        process for process, words in found if MODULE in words and process.ppid() == driver
    )
    return template


def test_forked_workers_do_the_plan_once(tmp_path: Path, start: StartWorker) -> None:
    # Two workers that share VUs, so that each inherits counters and pipes of both.
    outcome = load(job_of(tmp_path, scenario("Sleeper", RATE), workers=2), start=start)

    (counts,) = outcome.scenarios
    rows = samples(tmp_path)
    assert counts.intended_iterations == 101  # 100/s for 1 s, both ends
    assert counts.iterations + counts.dropped_iterations == 101
    assert len(rows) == len({(row["vu"], row["iteration"]) for row in rows}) == counts.iterations
    assert outcome.checks == {"sleep": ("awake", "rested")}
    assert template_of(os.getpid()).children() == []  # all of them were reaped
    assert list(tmp_path.glob("worker-*.log")) == []


def test_each_load_has_new_workers(tmp_path: Path, start: StartWorker) -> None:
    pids: list[int] = []

    def remembered(log: int, descriptors: Sequence[int]) -> Child:
        child = start(log, descriptors)
        pids.append(child.pid)
        return child

    once = {"executor": "per-vu-iterations", "vus": 2, "iterations": 1}
    for step in ("first", "second"):
        (tmp_path / step).mkdir()
        load(job_of(tmp_path / step, scenario("Sleeper", once)), start=remembered)

    assert len(set(pids)) == 4


def test_what_a_scenario_leaves_for_the_end_of_its_worker_is_done(
    tmp_path: Path, start: StartWorker
) -> None:
    once = {"executor": "per-vu-iterations", "vus": 1, "iterations": 1}
    left = scenario("Registered", once, log=str(tmp_path / "left"))
    load(job_of(tmp_path, left, workers=1), start=start)

    assert {path.name for path in tmp_path.glob("left-*")} == {"left-atexit", "left-thread"}


def test_the_signal_that_ended_a_forked_worker_is_told(tmp_path: Path, start: StartWorker) -> None:
    job = job_of(tmp_path, scenario("Dying", FOR_A_MINUTE, service_ms=20))
    outcome = load(job, start=start)

    assert not outcome.health.valid
    assert outcome.health.reasons[0].startswith("worker 1 ended unexpectedly (signal 9)")


def test_without_its_template_a_load_has_interpreters_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_start, "subprocess", subprocess)  # elsewhere tests fork them
    once = {"executor": "per-vu-iterations", "vus": 2, "iterations": 3}
    with worker_template() as start:
        template_of(os.getpid()).kill()
        outcome = load(job_of(tmp_path, scenario("Sleeper", once)), start=start)

    assert outcome.scenarios[0].iterations == 6


_DRIVER = """
import sys
from pathlib import Path
from perf_pipeline.engine.forked_worker import worker_template
from perf_pipeline_tests.support.loads.engine_loads import job_of, load, scenario
executor = {"executor": "constant-vus", "vus": 4, "duration": "60s"}
with worker_template() as start:
    load(job_of(Path(sys.argv[1]), scenario("Sleeper", executor, service_ms=50)), start=start)
"""


def test_neither_template_nor_workers_outlive_a_killed_driver(tmp_path: Path) -> None:
    driver = started([sys.executable, "-c", _DRIVER, str(tmp_path)])
    try:
        deadline_s = time.monotonic() + 20
        while len(list(tmp_path.glob("samples-*.npy"))) < 2:
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        template = template_of(driver.pid)
        workers = template.children()
    finally:
        driver.kill()
        driver.wait()

    assert len(workers) == 2
    _, alive = psutil.wait_procs([template, *workers], timeout=10)
    assert alive == []
