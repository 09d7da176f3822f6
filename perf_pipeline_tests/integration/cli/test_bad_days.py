"""Bad days of a run: the target dies or hangs, workers and drivers are killed, people stop it.

All on one stack that `up` left running, so that one can look at the database afterwards.
"""

import os
import signal
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass

import psutil
import pytest

from perf_pipeline.stack.embedded import revive
from perf_pipeline_tests.support.commands.command_line import (
    CREATION,
    Answer,
    is_alive,
    load_workers,
    wait_until,
)
from perf_pipeline_tests.support.commands.up import Up

pytestmark = pytest.mark.timeout(180)
STATUS = "select status, valid, invalid_reasons, problems from benchmarks where run_id = '{}'"


@dataclass(frozen=True, slots=True)
class Killed:
    """Hold a run that was killed, and what it left.

    Attributes:
        run_id: its id.
        workers: its load workers.
        left: how many rows of the database it left behind.
        recovered: what `ingest` said of it.
        report: what `report` said of it then.
    """

    run_id: str
    workers: list[psutil.Process]
    left: int
    recovered: Answer
    report: Answer


@pytest.fixture(scope="module")
def killed(up: Up) -> Killed:
    """Kill a run amid its load, and bring in what it left."""
    running = up.begun(*CREATION, seconds=30.0)
    wait_until(lambda: up.own_rows() > 0, 10.0)
    workers = load_workers(running.process.pid)
    run_id = max(path.name for path in (up.command.state / "spool").iterdir())
    running.kill()
    wait_until(lambda: not any(map(is_alive, workers)), 30.0)
    left = up.own_rows()
    recovered, report = (up.command.here(word, run_id) for word in ("ingest", "report"))
    return Killed(run_id, workers, left, recovered, report)


@dataclass(frozen=True, slots=True)
class Used:
    """Hold a run on the stack that was up, to whose end nothing happened."""

    answer: Answer
    api_before: tuple[int, ...]


@pytest.fixture(scope="module")
def used(up: Up, killed: Killed) -> Used:
    """Run with a threshold on answers that nobody gives, after a run that left its rows."""
    assert killed.left > 0
    before, left = up.pids("api"), up.own_rows()
    running = up.begun(
        *CREATION, seconds=3.0, more='"http_req_duration{status:500}" = ["p(95)<1000"]'
    )
    wait_until(lambda: up.own_rows() > left, 10.0)
    return Used(running.answer(), before)


def test_a_killed_run_leaves_no_orphans_and_is_recovered_as_aborted(up: Up, killed: Killed) -> None:
    assert killed.workers
    assert not any(map(is_alive, killed.workers))
    assert f"{killed.run_id} api_user_creation" in killed.recovered.out
    status, valid, reasons, _ = up.command.sql(STATUS.format(killed.run_id))[0]
    assert (status, valid) == ("aborted", False)
    assert list(reasons) == ["it was cut off"]
    assert killed.report.code == 97


def test_a_run_uses_the_stack_that_is_up_leaves_it_and_removes_its_rows(up: Up, used: Used) -> None:
    """Those of the run that was killed before it are removed as well."""
    answer = used.answer

    assert answer.code == up.command.code_of(answer.run_id), answer.out
    assert "using the stack that is up" in answer.err
    assert up.own_rows() == 0
    assert up.pids("api") == used.api_before
    assert "api: reference" in up.command.here("status").out


def test_a_benchmark_without_data_for_its_threshold_is_not_measured(up: Up, used: Used) -> None:
    answer = used.answer

    statuses = up.command.sql(
        f"select tags, status from verdicts where run_id = '{answer.run_id}' and tags <> ''"
    )
    assert statuses in ([("status:500", "NO_DATA")], [("status:500", "INVALID")])
    assert answer.code == 97
    assert statuses[0][1].replace("_", " ") in answer.out


def test_a_target_that_dies_under_load_ends_the_load_and_later_ones_can_not_begin(up: Up) -> None:
    running = up.begun(*CREATION, "--only", "end_to_end", seconds=60.0)
    killed_s = time.monotonic()
    for pid in up.pids("api"):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    try:
        answer = running.answer()
    finally:
        revive(up.stack, "api")

    outcome = up.command.sql(f"{STATUS.format(answer.run_id)} order by began_at")
    ok, failed = up.command.sql(
        "select count(*) filter (where outcome = 'ok'), count(*) filter (where outcome <> 'ok') "
        f"from samples where run_id = '{answer.run_id}'"
    )[0]
    assert time.monotonic() - killed_s < 50  # the load had 60 s to go
    assert answer.code in {97, 99}
    assert [row[0] for row in outcome] == ["aborted", "aborted"]
    assert "the target is gone, so the load was ended" in str(outcome[0])
    assert "end_to_end could not begin: " in answer.err
    assert ok > 0 < failed
    assert {
        row[0]
        for row in up.command.sql(
            f"select distinct status from verdicts where run_id = '{answer.run_id}'"
        )
    } <= {"FAIL", "NO_DATA", "INVALID"}
    assert "end_to_end" in answer.out
    assert "NOT RUN" in answer.out.replace("_", " ")
    assert up.own_rows() == 0


def test_a_target_that_hangs_ends_the_run_too(up: Up) -> None:
    running = up.begun(*CREATION, "--only", "end_to_end", seconds=100.0)
    stopped = up.pids("api")
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        answer = running.answer()
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)

    outcome = up.command.sql(STATUS.format(answer.run_id))
    assert answer.code in {97, 99}
    assert answer.took_s < 90  # the load was to take 100 s
    assert outcome[0][0] == "aborted"
    assert "timeout" in {
        row[0]
        for row in up.command.sql(
            f"select distinct outcome from samples where run_id = '{answer.run_id}'"
        )
    }


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["ctrl-c", "sigterm", "hang-up"]
)
def test_a_stopped_run_keeps_what_it_measured_and_is_marked(up: Up, number: signal.Signals) -> None:
    running = up.begun(*CREATION, "--only", "end_to_end", seconds=90.0)
    workers = load_workers(running.process.pid)
    sent_s = time.monotonic()
    running.send(number)

    answer = running.answer()

    assert answer.code == 105
    assert time.monotonic() - sent_s < 60  # the load had 90 s to go
    assert "stopping; what was measured is kept" in answer.err
    assert "STOPPED" in answer.out
    assert [row[0] for row in up.command.sql(STATUS.format(answer.run_id))] == ["stopped"]
    assert up.command.value(f"select count(*) from samples where run_id = '{answer.run_id}'") > 10
    assert workers
    assert not any(map(is_alive, workers))
    assert up.own_rows() == 0


def test_a_second_signal_ends_at_once_and_the_samples_wait_in_the_spool(up: Up) -> None:
    running = up.begun(*CREATION, seconds=30.0)
    workers = load_workers(running.process.pid)
    running.send(signal.SIGINT)
    running.wait_for("stopping")
    running.send(signal.SIGINT)

    answer = running.answer()

    assert answer.code == 105
    assert "perf-pipeline ingest` stores it" in answer.err
    assert workers
    assert not any(map(is_alive, workers))
    assert up.command.here("ingest", answer.run_id).code == 0
    samples = f"select count(*) from samples where run_id = '{answer.run_id}'"
    assert up.command.value(samples) > 10
    report = up.command.here("report", answer.run_id)
    assert report.code == 97
    told = "the user stopped the run at once, during api_user_creation"
    assert told in " ".join(report.out.split())


@dataclass(frozen=True, slots=True)
class Harmed:
    """Hold a run whose worker was killed in the first load, and stopped for a second in the next.

    Attributes:
        answer: what the run gave.
        reasons: by benchmark, why it is invalid; none where it is valid.
        statuses: by benchmark, of its verdicts.
        codes: by benchmark, the exit code that it gives the run by itself.
    """

    answer: Answer
    reasons: dict[str, str]
    statuses: dict[str, set[str]]
    codes: dict[str, int]


@pytest.fixture(scope="module")
def harmed(up: Up) -> Harmed:
    """Harm a worker of each of two loads."""
    second = "benchmarks.end_to_end.scenarios.create_users"
    longer = ("--set", f"{second}.duration=4s", "--set", f"{second}.warmUp=0s")
    running = up.begun(*CREATION, "--only", "end_to_end", *longer, seconds=10.0)
    (worker,) = load_workers(running.process.pid)
    worker.kill()
    running.wait_for("end_to_end …")
    wait_until(lambda: bool(load_workers(running.process.pid)))
    (worker,), rows = load_workers(running.process.pid), up.own_rows()
    wait_until(lambda: up.own_rows() > rows)
    worker.suspend()
    time.sleep(1.0)
    worker.resume()
    answer = running.answer()

    of_run = f"where run_id = '{answer.run_id}'"
    told = up.command.sql(f"select benchmark, valid, invalid_reasons from benchmarks {of_run}")
    statuses = defaultdict[str, set[str]](set)
    for name, status in up.command.sql(f"select benchmark, status from verdicts {of_run}"):
        statuses[name].add(status)
    return Harmed(
        answer,
        {name: "" if valid else str(reasons) for name, valid, reasons in told},
        statuses,
        {name: up.command.code_of(answer.run_id, name) for name, _, _ in told},
    )


def test_a_killed_load_worker_makes_the_benchmark_invalid_and_the_run_goes_on(
    harmed: Harmed,
) -> None:
    assert harmed.answer.code == 97
    assert harmed.codes["api_user_creation"] == 97
    assert harmed.statuses["api_user_creation"] == {"INVALID"}
    assert "worker 0 ended unexpectedly (signal 9)" in harmed.reasons["api_user_creation"]
    assert "INVALID" in harmed.answer.out
    assert "ended unexpectedly" not in harmed.reasons["end_to_end"]


def test_a_starved_generator_is_invalid_and_never_a_pass(harmed: Harmed) -> None:
    """Stopped for a second, as a machine does that is too busy to run it."""
    assert "stood still for" in harmed.reasons["end_to_end"]
    assert harmed.statuses["end_to_end"] == {"INVALID"}
    assert harmed.codes["end_to_end"] == 97
    assert harmed.answer.code == 97
