"""Loads of real workers that agents of a fleet started: the same load, and what ends it."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from perf_pipeline.engine.job import LoadOutcome
from perf_pipeline.engine.progress import Progress
from perf_pipeline.engine.worker_start import Child
from perf_pipeline.fleet.link import SILENCE_LIMIT_S
from perf_pipeline.metrics.spool_seal import FileFacts, unsealed
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.commands.forked import started
from perf_pipeline_tests.support.fleets import LoopbackFleet, loopback_fleet
from perf_pipeline_tests.support.loads.engine_loads import (
    SECRET,
    job_of,
    load,
    samples,
    scenario,
)
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.timed_target import timed_target

RATE = {"executor": "constant-arrival-rate", "rate": 100, "duration": "1s", "preAllocatedVUs": 9}
ABORTING = """
name = "abort"
calibration = false
target = "here"
[targets.here]
baseUrl = "http://127.0.0.1:{port}"
[benchmarks.asked.scenarios.get]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 40
duration = "60s"
preAllocatedVUs = 10
parameters.steps = [ {{ name = "get", path = "/" }} ]
[benchmarks.asked.thresholds]
http_reqs = [{{ threshold = "count<50", abortOnFail = true }}]
"""
FOR_A_MINUTE = {"executor": "constant-vus", "vus": 4, "duration": "60s"}


@pytest.fixture(scope="module")
def fleet() -> Iterator[LoopbackFleet]:
    with loopback_fleet() as running:
        yield running


@pytest.mark.parametrize("workers", [1, 2])
def test_the_hosts_together_do_the_plan_once(
    tmp_path: Path, fleet: LoopbackFleet, workers: int
) -> None:
    job = job_of(tmp_path, scenario("Sleeper", RATE), workers=workers)
    with fleet.started(workers) as start:
        outcome = load(job, start=start, apart=True)

    (counts,) = outcome.scenarios
    rows = samples(tmp_path)
    assert counts.intended_iterations == 101  # 100/s for 1 s, both ends, as on this machine
    assert counts.iterations + counts.dropped_iterations == 101
    assert len(rows) == len({(row["vu"], row["iteration"]) for row in rows}) == counts.iterations
    intended = {int(row["intended_us"]) - counts.measured_from_us for row in rows}
    assert intended <= {n * 10_000 for n in range(101)}
    assert all(int(row["started_us"]) >= int(row["intended_us"]) for row in rows)
    assert outcome.checks == {"sleep": ("awake", "rested")}
    until_s = time.monotonic() + 20
    while fleet.kept("worker-*") and time.monotonic() < until_s:
        time.sleep(0.05)  # the agents tidy up after the driver has left
    assert fleet.kept("worker-*") == []


def test_a_worker_whose_turn_comes_late_starts_as_well(
    tmp_path: Path, fleet: LoopbackFleet
) -> None:
    # The files for the hosts before it took longer than the 10 s after which somebody is lost.
    job = job_of(tmp_path, scenario("Sleeper", RATE))
    with fleet.started(2) as start:

        def late(log: int, descriptors: Sequence[int]) -> Child:
            if (tmp_path / "worker-1.log").exists():
                time.sleep(SILENCE_LIMIT_S + 1)
            return start(log, descriptors)

        outcome = load(job, start=late, apart=True)

    assert outcome.scenarios[0].intended_iterations == 101
    assert {int(row["vu"]) % 2 for row in samples(tmp_path)} == {0, 1}  # each worker's VUs


def test_the_spool_is_sealed_as_the_worker_wrote_it(tmp_path: Path, fleet: LoopbackFleet) -> None:
    with fleet.started(1) as start:
        load(job_of(tmp_path, scenario("Sleeper", RATE), workers=1), start=start, apart=True)

    text, is_sealed = unsealed((tmp_path / "seal-main-0.json").read_bytes())
    facts = {name: FileFacts.from_json(values) for name, values in json.loads(text).items()}
    assert is_sealed
    assert {name: its.size_bytes for name, its in facts.items()} == {
        name: (tmp_path / name).stat().st_size for name in facts
    }
    assert len(facts) == 5  # samples and iterations, the kinds of both, ledger


def run_until(
    fleet: LoopbackFleet, folder: Path, then: Callable[[LoopbackFleet], None]
) -> tuple[LoadOutcome, float]:
    """Load for a minute with two hosts, do something after a second, and give how long it took."""
    done_s: list[float] = []

    def on_progress(_: Progress) -> None:
        if not done_s:
            done_s.append(time.monotonic())
            then(fleet)

    job = job_of(folder, scenario("Sleeper", FOR_A_MINUTE, service_ms=20))
    with fleet.started(2) as start:
        outcome = load(job, start=start, apart=True, on_progress=on_progress)
    return outcome, time.monotonic() - done_s[0]


def test_a_host_that_dies_is_named_and_the_samples_of_the_others_are_kept(
    tmp_path: Path, fleet: LoopbackFleet
) -> None:
    def kill(running: LoopbackFleet) -> None:
        agent = running.agents()[1]
        for process in [agent, *agent.children()]:
            process.kill()

    outcome, took_s = run_until(fleet, tmp_path, kill)

    (reason,) = outcome.health.reasons
    host = "127.0.0.2" if "127.0.0.2" in reason else "127.0.0.3"
    assert reason.endswith(
        f"on {host} ended unexpectedly ({host} closed the connection); "
        "its share of the load is missing from then on"
    )
    assert not outcome.health.valid
    dead = int(reason.split()[1])
    assert len({row["vu"] for row in samples(tmp_path)}) == 4
    seals = [path.name for path in tmp_path.glob("seal-*")]
    assert seals == [f"seal-main-{1 - dead}.json"]
    assert took_s < 30


@pytest.mark.timeout(90)
def test_a_host_that_says_nothing_any_more_is_given_up(
    tmp_path: Path, fleet: LoopbackFleet
) -> None:
    paused: list[psutil.Process] = []

    def pause(running: LoopbackFleet) -> None:
        agent = running.agents()[0]
        paused.extend([agent, *agent.children()])
        for process in paused:
            process.suspend()

    try:
        outcome, took_s = run_until(fleet, tmp_path, pause)
    finally:
        for process in paused:
            process.resume()

    (reason,) = outcome.health.reasons
    assert "ended unexpectedly (" in reason
    assert "nothing came for 10 s" in reason
    assert took_s < 45  # 10 s of silence, and the end of the other one


def test_a_stop_ends_the_workers_of_all_hosts(tmp_path: Path, fleet: LoopbackFleet) -> None:
    stop, stopped_s = threading.Event(), list[float]()

    def on_progress(_: Progress) -> None:
        stopped_s.append(time.monotonic())
        stop.set()

    job = job_of(tmp_path, scenario("Sleeper", FOR_A_MINUTE, service_ms=20))
    with fleet.started(2) as start:
        outcome = load(job, start=start, apart=True, stop=stop, on_progress=on_progress)

    assert outcome.stopped
    assert outcome.health.reasons == ()
    assert time.monotonic() - stopped_s[0] < 20
    assert outcome.scenarios[0].iterations == len(
        [row for row in samples(tmp_path) if row["outcome"] == "ok"]
    )


def test_a_worker_that_does_not_exit_is_ended_and_its_load_is_whole(
    tmp_path: Path, fleet: LoopbackFleet
) -> None:
    began_s = time.monotonic()
    with fleet.started(1) as start:
        job = job_of(tmp_path, scenario("Lingering", RATE), workers=1)
        outcome = load(job, start=start, apart=True)

    assert time.monotonic() - began_s < 60  # 5 s of silence after the load; the thread takes 120 s
    told = " ".join(outcome.health.reasons)  # a busy machine may have held the worker up
    assert "ended" not in told
    assert "connection" not in told
    assert len(samples(tmp_path)) == outcome.scenarios[0].iterations > 0


def test_secrets_reach_the_worker_and_nothing_else(tmp_path: Path, fleet: LoopbackFleet) -> None:
    seen: list[str] = []

    def look(running: LoopbackFleet) -> None:
        for process in (running.process, *running.process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # one that ended since
                seen.append(str(process.cmdline()) + str(process.environ()))

    run_for_two_s = {**FOR_A_MINUTE, "duration": "2s"}
    job = job_of(tmp_path, scenario("Sleeper", run_for_two_s, service_ms=20))
    with fleet.started(2) as start:
        load(job, start=start, apart=True, on_progress=lambda _: look(fleet))

    assert len(seen) >= 5
    assert [text for text in seen if SECRET in text] == []
    assert SECRET not in fleet.log.read_text()
    kept = [path for path in fleet.kept("**/*") if path.is_file()]
    assert [path for path in kept if SECRET.encode() in path.read_bytes()] == []


def test_workers_end_with_their_driver(tmp_path: Path, fleet: LoopbackFleet) -> None:
    # The last test of this fleet: for half a minute Dask keeps it for the driver that is killed.
    driver = started([sys.executable, "-c", _DRIVER, fleet.address, str(tmp_path)])
    try:
        until_s = time.monotonic() + 60
        while len(list(tmp_path.glob("samples-*.npy"))) < 2:
            assert time.monotonic() < until_s
            time.sleep(0.05)
        begun = [*fleet.agents(), *fleet.workers()]
    finally:
        driver.kill()
        driver.wait()

    assert len(begun) == 4
    _, alive = psutil.wait_procs(begun, timeout=30)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


_DRIVER = """
import sys
from pathlib import Path
from perf_pipeline_tests.support.fleets import LoopbackFleet
from perf_pipeline_tests.support.loads.engine_loads import job_of, load, scenario
executor = {"executor": "constant-vus", "vus": 4, "duration": "60s"}
with LoopbackFleet(sys.argv[1], None).started(2) as start:
    job = job_of(Path(sys.argv[2]), scenario("Sleeper", executor, service_ms=50))
    load(job, start=start, apart=True)
"""


def test_a_threshold_with_abort_on_fail_ends_the_load_on_all_hosts(
    tmp_path: Path, fleet: LoopbackFleet
) -> None:
    command = CommandLine(new_state(tmp_path / "state"))
    with timed_target({}) as target:
        (tmp_path / "abort.toml").write_text(ABORTING.format(port=target.port))
        answer = command("run", str(tmp_path / "abort.toml"), "--fleet", fleet.address)

    assert answer.code == 99, answer.err
    (row,) = command.sql("select count(*), count(distinct vu % 2), max(ended_us) from samples")
    assert row[1] == 2  # the VUs of each worker
    assert row[0] > 50
    assert row[2] < 20_000_000  # of the minute that was planned
    assert "http_reqs" in answer.out
