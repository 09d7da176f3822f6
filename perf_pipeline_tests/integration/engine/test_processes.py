"""Loads of real worker processes: what they do together, and how they end."""

import os
import signal
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from perf_pipeline.engine.job import LoadOutcome
from perf_pipeline.engine.progress import Progress
from perf_pipeline.errors import GeneratorLimitError, TargetUnavailableError
from perf_pipeline_tests.support.commands.forked import started
from perf_pipeline_tests.support.loads.engine_loads import SECRET, job_of, load, samples, scenario
from perf_pipeline_tests.support.loads.own_processes import command_lines

RATE = {"executor": "constant-arrival-rate", "rate": 100, "duration": "1s", "preAllocatedVUs": 9}
FOR_A_MINUTE = {"executor": "constant-vus", "vus": 4, "duration": "60s"}


def workers_of(pid: int) -> list[psutil.Process]:
    found = command_lines(psutil.Process(pid))
    return [child for child, words in found if "perf_pipeline.engine.worker" in words]


# --- together ----------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[1, 2, 3])
def planned(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[LoadOutcome, list[dict[str, str]]]:
    """Do a plan with some workers; give what came of it, and its samples."""
    folder = tmp_path_factory.mktemp("planned")
    outcome = load(job_of(folder, scenario("Sleeper", RATE), workers=request.param))
    return outcome, samples(folder)


def test_the_workers_together_do_the_plan_once(
    planned: tuple[LoadOutcome, list[dict[str, str]]],
) -> None:
    outcome, rows = planned

    (counts,) = outcome.scenarios
    assert counts.intended_iterations == 101  # 100/s for 1 s, both ends
    assert counts.iterations + counts.dropped_iterations == 101
    assert len(rows) == len({(row["vu"], row["iteration"]) for row in rows}) == counts.iterations
    intended = {int(row["intended_us"]) - counts.measured_from_us for row in rows}
    assert intended <= {n * 10_000 for n in range(101)}
    assert outcome.checks == {"sleep": ("awake", "rested")}


def test_nothing_starts_before_its_time(
    planned: tuple[LoadOutcome, list[dict[str, str]]],
) -> None:
    _, rows = planned

    assert rows
    assert all(int(row["started_us"]) >= int(row["intended_us"]) for row in rows)


def test_scenarios_run_at_once_each_after_its_start_time(tmp_path: Path) -> None:
    early = {"executor": "constant-vus", "vus": 2, "duration": "1s"}
    late = {"executor": "per-vu-iterations", "vus": 2, "iterations": 3, "startTime": "500ms"}
    outcome = load(
        job_of(
            tmp_path,
            scenario("Sleeper", early, name="early", service_ms=20),
            scenario("Sleeper", late, name="late", service_ms=20),
        )
    )

    first, second = outcome.scenarios
    assert (first.name, second.name) == ("early", "late")
    assert second.measured_from_us - first.measured_from_us == 500_000
    assert second.iterations == 6
    assert outcome.wall_s >= 1.0


def test_the_workloads_of_a_worker_are_opened_side_by_side(tmp_path: Path) -> None:
    job = job_of(
        tmp_path,
        scenario("Meeting", RATE, name="a"),
        scenario("Meeting", RATE, name="b"),
        workers=1,
    )

    assert all(counts.iterations for counts in load(job).scenarios)


def test_the_load_starts_after_what_is_done_when_all_workers_are_ready(tmp_path: Path) -> None:
    origin_ns, done_us = time.monotonic_ns(), list[int]()

    def last_of_all() -> None:
        time.sleep(0.5)
        done_us.append((time.monotonic_ns() - origin_ns) // 1_000)

    outcome = load(
        job_of(tmp_path, scenario("Sleeper", RATE)), origin_ns=origin_ns, before_start=last_of_all
    )

    (done,) = done_us
    assert outcome.scenarios[0].measured_from_us > done


def test_progress_arrives_every_second_in_the_calling_thread(tmp_path: Path) -> None:
    seen: list[Progress] = []
    executor = {**FOR_A_MINUTE, "duration": "2s"}

    outcomes = []

    def call() -> None:
        job = job_of(tmp_path, scenario("Sleeper", executor, service_ms=50), workers=1)
        outcomes.append(load(job, on_progress=seen.append))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()

    assert 1 <= len(seen) <= outcomes[0].wall_s + 1
    assert 0.9 <= seen[0].elapsed_s + seen[0].scenarios[0].left_s <= 2.1
    assert seen[-1].scenarios[0].active_vus <= 4
    assert seen[-1].scenarios[0].iterations <= outcomes[0].scenarios[0].iterations


def test_warm_up_is_recorded_but_not_measured(tmp_path: Path) -> None:
    outcome = load(job_of(tmp_path, scenario("Sleeper", RATE, warm_up_us=500_000)))

    phases = [row["phase"] for row in samples(tmp_path)]
    assert phases.count("measured") == outcome.scenarios[0].measured_iterations
    dropped = outcome.scenarios[0].dropped_iterations
    # 100 of the 101 starts are before the end; the last one is drain.
    assert phases.count("warm-up") + phases.count("measured") + dropped >= 100
    assert outcome.scenarios[0].measured_until_us - outcome.scenarios[0].measured_from_us == 500_000


# --- ends --------------------------------------------------------------------------------------


def test_a_stop_ends_the_load_within_its_grace(tmp_path: Path) -> None:
    stop = threading.Event()
    began_s: list[float] = []

    def end_early(_: Progress) -> None:
        began_s.append(time.monotonic())
        stop.set()

    job = job_of(tmp_path, scenario("Sleeper", FOR_A_MINUTE, service_ms=10_000))
    outcome = load(job, stop=stop, on_progress=end_early)

    assert outcome.stopped
    assert time.monotonic() - began_s[0] < 13
    assert outcome.scenarios[0].interrupted_iterations == 4
    assert {(r["outcome"], r["phase"]) for r in samples(tmp_path)} == {("interrupted", "measured")}


def test_a_stop_before_the_start_gives_an_empty_outcome(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    outcome = load(job_of(tmp_path, scenario("Sleeper", FOR_A_MINUTE)), stop=stop)

    assert outcome.stopped
    assert outcome.scenarios[0].iterations == 0


def test_waits_for_nothing_are_cancelled_at_once_without_grace(tmp_path: Path) -> None:
    executor = {"executor": "constant-vus", "vus": 2, "duration": "1s", "gracefulStop": "0s"}
    outcome = load(job_of(tmp_path, scenario("Idle", executor)))

    assert outcome.scenarios[0].interrupted_iterations == 2
    assert outcome.wall_s < 6
    assert samples(tmp_path) == []


def test_a_worker_that_dies_ends_the_load_and_what_the_others_measured_is_kept(
    tmp_path: Path,
) -> None:
    outcome = load(job_of(tmp_path, scenario("Dying", FOR_A_MINUTE, service_ms=20)))

    assert not outcome.health.valid
    assert outcome.health.reasons[0].startswith("worker 1 ended unexpectedly (signal 9)")
    assert not outcome.stopped
    assert outcome.wall_s < 20
    assert outcome.scenarios[0].iterations >= 20
    assert {int(row["vu"]) % 2 for row in samples(tmp_path)} >= {1}


_DRIVER = """
import sys, time
from pathlib import Path
from perf_pipeline_tests.support.loads.engine_loads import job_of, load, scenario
executor = {"executor": "constant-vus", "vus": 4, "duration": "60s"}
load(job_of(Path(sys.argv[1]), scenario(sys.argv[2], executor, service_ms=50)))
"""


@pytest.mark.parametrize("workload", ["Sleeper", "Hog"])
def test_no_worker_outlives_its_driver(tmp_path: Path, workload: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(_DRIVER), str(tmp_path), workload]
    driver = started(command)
    try:
        deadline_s = time.monotonic() + 60
        while len(list(tmp_path.glob("samples-*.npy"))) < 2:
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        workers = workers_of(driver.pid)
        time.sleep(0.1)
    finally:
        driver.kill()
        driver.wait()

    assert len(workers) == 2
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == []


# --- errors ------------------------------------------------------------------------------------


def test_a_target_that_is_not_there_is_the_same_error_here(tmp_path: Path) -> None:
    with pytest.raises(TargetUnavailableError) as caught:
        load(job_of(tmp_path, scenario("Unreachable", RATE)))

    assert caught.value.sentence == "nothing answers at postgresql://me:***@127.0.0.1/x"
    assert caught.value.hint == "start it first"


def test_what_was_opened_is_closed_where_another_workload_cannot_open(tmp_path: Path) -> None:
    job = job_of(
        tmp_path, scenario("Absent", RATE, name="a"), scenario("Meeting", RATE, name="b"), workers=1
    )

    with pytest.raises(TargetUnavailableError, match="nothing answers"):
        load(job)
    assert (tmp_path / "worker-0.log").read_text() == "closed\n"


def test_a_bug_in_open_names_the_log_which_has_the_traceback(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"worker [01] failed: ZeroDivisionError") as caught:
        load(job_of(tmp_path, scenario("Broken", RATE)))

    log = next(tmp_path.glob("worker-*.log"))
    assert "worker-" in str(caught.value)
    assert "engine_workloads.py" in log.read_text()
    assert SECRET not in log.read_text() + str(caught.value)


def test_a_worker_that_gets_no_thread_is_a_limit_and_no_bug(tmp_path: Path) -> None:
    with pytest.raises(GeneratorLimitError, match=r"the system refuses worker [01] another thread"):
        load(job_of(tmp_path, scenario("Threadless", RATE)))


def test_a_bug_in_an_iteration_is_counted_and_makes_the_load_invalid(tmp_path: Path) -> None:
    executor = {"executor": "per-vu-iterations", "vus": 2, "iterations": 9}
    outcome = load(job_of(tmp_path, scenario("Buggy", executor)))

    assert outcome.scenarios[0].iterations == 18
    assert outcome.health.figures["exceptions"] == 6  # every third of 2 * 9
    assert "3 exceptions in iterations" in outcome.health.reasons[0]
    assert [(r["operation"], r["error"]) for r in samples(tmp_path)] == [
        ("iteration", "exception")
    ] * 6
    assert "KeyError: 'id'" in (tmp_path / "worker-0.log").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_stops_the_load_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "samples-main-1.npy").symlink_to("/dev/full")
    with pytest.raises(GeneratorLimitError, match=r"samples-main-1.npy can't be written: No space"):
        load(job_of(tmp_path, scenario("Sleeper", FOR_A_MINUTE)))


# --- was the generator the limit? ----------------------------------------------------------------


def test_a_generator_that_computes_instead_of_waiting_is_called(tmp_path: Path) -> None:
    executor = {"executor": "constant-vus", "vus": 4, "duration": "1s"}
    outcome = load(job_of(tmp_path, scenario("Hog", executor, service_ms=40), workers=1))

    assert not outcome.health.valid
    assert any("stood still" in reason for reason in outcome.health.reasons)


def test_a_worker_that_stood_still_for_a_second_is_called(tmp_path: Path) -> None:
    def pause() -> None:
        (worker,) = workers_of(os.getpid())
        worker.send_signal(signal.SIGSTOP)
        time.sleep(1.0)
        worker.send_signal(signal.SIGCONT)

    executor = {**RATE, "duration": "3s"}
    paused: list[Any] = []

    def pause_once(_: Progress) -> None:
        if not paused:
            paused.append(True)
            pause()

    outcome = load(
        job_of(tmp_path, scenario("Sleeper", executor), workers=1), on_progress=pause_once
    )

    assert not outcome.health.valid
    assert outcome.health.figures["stall_longest_ms"] >= 900
    assert any("stood still for" in reason for reason in outcome.health.reasons)
