"""Bad days of a run: the target dies or hangs, workers and drivers are killed, people stop it.

All on one stack that `up` left running, so that one can look at the database afterwards.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from perf_pipeline.stack.embedded import find_running, revive
from perf_pipeline.stack.parts import Stack
from perf_pipeline_tests.integration.runs_command import (
    CREATION,
    CommandLine,
    Running,
    is_alive,
    left_running,
    load_workers,
    new_state,
    wait_until,
)

pytestmark = pytest.mark.timeout(90)
STATUS = "select status, valid, invalid_reasons, problems from benchmarks where run_id = '{}'"
HOLDER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True, slots=True)
class Up:
    """Hold a stack that is up, with its command line."""

    command: CommandLine
    stack: Stack

    def own_rows(self) -> int:
        """Count the users that runs have made and not removed."""
        assert self.stack.endpoints.postgres_dsn is not None
        with psycopg.connect(self.stack.endpoints.postgres_dsn) as connection:
            row = connection.execute(
                "select count(*) from users where email like '%@perf-pipeline.invalid'"
            ).fetchone()
        assert row is not None
        return int(row[0])

    def pids(self, part: str) -> tuple[int, ...]:
        """Give the processes of a part, as they run now."""
        stack = find_running(self.command.state)
        assert stack is not None
        return next(service.pids for service in stack.services if service.name == part)

    def begun(self, *arguments: str, seconds: float = 6.0, more: str = "") -> Running:
        """Start a run and wait until its load is under way."""
        profile = self.command.profile(seconds, more)
        running = self.command.start("run", "--profile", str(profile), *arguments)
        running.wait_for("api_user_creation: ")
        return running


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Start a stack that stays, and take it down at the end."""
    command = CommandLine(new_state(tmp_path_factory.mktemp("up") / "state"))
    answer = command("up")
    assert answer.code == 0, answer.err
    stack = find_running(command.state)
    assert stack is not None
    yield Up(command, stack)
    ended = command("down")
    assert ended.code == 0
    assert "up/api" in ended.out
    assert left_running(command.state) == []


def test_a_run_uses_the_stack_that_is_up_leaves_it_and_removes_its_rows(up: Up) -> None:
    before = up.pids("api")
    running = up.begun(*CREATION, seconds=2.0)
    during = up.own_rows()

    answer = running.answer()

    assert answer.code == up.command.code_of(answer.run_id), answer.out
    assert "using the stack that is up" in answer.err
    assert during >= 200
    assert up.own_rows() == 0
    assert up.pids("api") == before
    assert "api: reference" in up.command("status").out


def test_a_benchmark_without_data_for_its_threshold_is_not_measured(up: Up) -> None:
    profile = up.command.profile(1.0, '"http_req_duration{status:500}" = ["p(95)<1000"]')

    answer = up.command("run", "--profile", str(profile), *CREATION)

    statuses = up.command.sql(
        f"select tags, status from verdicts where run_id = '{answer.run_id}' and tags <> ''"
    )
    assert statuses in ([("status:500", "NO_DATA")], [("status:500", "INVALID")])
    assert answer.code == 97
    assert statuses[0][1].replace("_", " ") in answer.out


def test_a_target_that_dies_under_load_ends_the_run_with_what_was_measured(up: Up) -> None:
    running = up.begun(*CREATION, "--only", "end_to_end", seconds=30.0)
    killed_s = time.monotonic()
    for pid in up.pids("api"):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    try:
        answer = running.answer()
    finally:
        revive(up.stack, "api")

    outcome = up.command.sql(STATUS.format(answer.run_id))
    ok, failed = up.command.sql(
        "select count(*) filter (where outcome = 'ok'), count(*) filter (where outcome <> 'ok') "
        f"from samples where run_id = '{answer.run_id}'"
    )[0]
    assert time.monotonic() - killed_s < 25
    assert answer.code in {97, 99}
    assert [row[0] for row in outcome] == ["aborted"]
    assert "the target is gone, so the load was ended" in str(outcome)
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
    running = up.begun(*CREATION, "--only", "end_to_end", seconds=40.0)
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
    assert answer.took_s < 35
    assert outcome[0][0] == "aborted"
    assert "timeout" in {
        row[0]
        for row in up.command.sql(
            f"select distinct outcome from samples where run_id = '{answer.run_id}'"
        )
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_stopped_run_keeps_what_it_measured_and_is_marked(up: Up, number: signal.Signals) -> None:
    running = up.begun(*CREATION, "--only", "end_to_end", seconds=30.0)
    workers = load_workers(running.process.pid)
    sent_s = time.monotonic()
    running.send(number)

    answer = running.answer()

    assert answer.code == 105
    assert time.monotonic() - sent_s < 20
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
    assert up.command("ingest", answer.run_id).code == 0
    samples = f"select count(*) from samples where run_id = '{answer.run_id}'"
    assert up.command.value(samples) > 10
    assert up.command("report", answer.run_id).code == 97


def test_a_killed_load_worker_makes_the_benchmark_invalid_and_the_run_goes_on(up: Up) -> None:
    running = up.begun(*CREATION, "--only", "end_to_end", seconds=10.0)
    (worker,) = load_workers(running.process.pid)
    worker.kill()

    answer = running.answer()

    rows = {
        row[0]: row[1:]
        for row in up.command.sql(
            "select benchmark, valid, invalid_reasons from benchmarks "
            f"where run_id = '{answer.run_id}'"
        )
    }
    assert answer.code == 97
    assert rows["api_user_creation"][0] is False
    assert "worker 0 ended unexpectedly (signal 9)" in str(rows["api_user_creation"][1])
    assert "INVALID" in answer.out
    assert "ended unexpectedly" not in str(rows["end_to_end"])


def test_a_starved_generator_is_invalid_and_never_a_pass(up: Up) -> None:
    """Stopped for a second, as a machine does that is too busy to run it."""
    running = up.begun(*CREATION, seconds=4.0)
    (worker,) = load_workers(running.process.pid)
    worker.suspend()
    time.sleep(1.0)
    worker.resume()

    answer = running.answer()

    valid, reasons = up.command.sql(
        f"select valid, invalid_reasons from benchmarks where run_id = '{answer.run_id}'"
    )[0]
    statuses = up.command.sql(
        f"select distinct status from verdicts where run_id = '{answer.run_id}'"
    )
    assert not valid
    assert "stood still for" in str(reasons)
    assert statuses == [("INVALID",)]
    assert answer.code == 97


def test_a_killed_run_leaves_no_orphans_and_is_recovered_as_aborted(up: Up) -> None:
    running = up.begun(*CREATION, seconds=30.0)
    workers = load_workers(running.process.pid)
    run_id = max(path.name for path in (up.command.state / "spool").iterdir())
    running.kill()
    assert workers
    wait_until(lambda: not any(map(is_alive, workers)), 15.0)
    left = up.own_rows()

    recovered = up.command("ingest", run_id)
    report = up.command("report", run_id)
    next_run = up.begun(*CREATION, seconds=1.0).answer()

    assert left >= 200
    assert f"{run_id} api_user_creation" in recovered.out
    status, valid, reasons, _ = up.command.sql(STATUS.format(run_id))[0]
    assert (status, valid) == ("aborted", False)
    assert list(reasons) == ["it was cut off"]
    assert report.code == 97
    assert next_run.code == up.command.code_of(next_run.run_id), next_run.err
    assert up.own_rows() == 0


def test_a_history_that_gets_busy_during_the_run_loses_nothing(up: Up) -> None:
    running = up.begun(*CREATION, "--only", "end_to_end", seconds=4.0)
    holder = hold(up.command.state / "history.duckdb")
    try:
        answer = running.answer(timeout_s=80.0)
    finally:
        holder.communicate()

    recovered = up.command("ingest", answer.run_id)
    report = up.command("report", answer.run_id)

    assert answer.code == 97
    assert f"history.duckdb is open in pid {holder.pid}" in answer.err
    assert f"safe in {up.command.state / 'spool' / answer.run_id}" in answer.err
    assert f"perf-pipeline ingest {answer.run_id}" in answer.err
    assert f"{answer.run_id} end_to_end: " in recovered.out
    assert [row[0] for row in up.command.sql(STATUS.format(answer.run_id))] == ["complete"] * 2
    assert spooled(up.command.state / "spool" / answer.run_id) == up.command.value(
        f"select count(*) from samples where run_id = '{answer.run_id}'"
    )
    assert report.code in {0, 97, 99}
    assert "http_reqs" in report.out


def test_a_history_that_is_free_again_at_the_end_is_filled_by_the_run_itself(up: Up) -> None:
    running = up.begun(*CREATION, "--only", "end_to_end", seconds=4.0)
    holder = hold(up.command.state / "history.duckdb")
    running.wait_for("api_user_creation waits in the spool")
    holder.communicate()

    answer = running.answer()

    assert answer.code == up.command.code_of(answer.run_id), answer.out + answer.err
    assert [row[0] for row in up.command.sql(STATUS.format(answer.run_id))] == ["complete"] * 2


def hold(history: Path) -> "subprocess.Popen[bytes]":
    """Open the history in another process until its stdin is closed."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(history)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"open\n"
    return holder


def spooled(folder: Path) -> int:
    """Count the samples that wait in the spool: lines without headers."""
    return sum(
        len(path.read_text(encoding="utf-8").splitlines()) - 1
        for path in folder.glob("*/samples-*.csv")
    )


def test_of_two_runs_at_once_one_waits_and_says_for_whom(up: Up) -> None:
    first = up.begun(*CREATION, seconds=3.0)
    profile = up.command.profile(1.0)
    second = up.command.start("run", "--profile", str(profile), *CREATION)
    second.wait_for("waiting for")
    answers = [first.answer(), second.answer()]

    spans = up.command.sql(
        "select began_at, began_at + to_microseconds((wall_s * 1e6)::bigint) from benchmarks "
        f"where run_id in ('{answers[0].run_id}', '{answers[1].run_id}') order by began_at"
    )
    assert all(one.code == up.command.code_of(one.run_id) for one in answers)
    assert f"waiting for the run of profile short (pid {first.process.pid})" in answers[1].err
    assert len(spans) == 2
    assert spans[0][1] <= spans[1][0]


def test_a_run_that_waits_for_another_can_be_stopped(up: Up) -> None:
    first = up.begun(*CREATION, seconds=3.0)
    second = up.command.start("run", "--profile", str(up.command.profile(1.0)), *CREATION)
    second.wait_for("waiting for")
    second.send(signal.SIGINT)

    stopped = second.answer(timeout_s=10.0)

    assert stopped.code == 105
    assert "nothing was measured" in stopped.err
    assert first.answer().code in {0, 97}


def test_passwords_are_in_no_file_but_the_stacks_own_and_on_no_screen(up: Up) -> None:
    """The same servers as an external target, so that the passwords come in by environment."""
    ends = up.stack.endpoints
    assert ends.base_url is not None
    assert ends.postgres_dsn is not None
    assert ends.brokers is not None
    passwords = {ends.postgres_dsn.split("://")[1].split(":")[1].split("@")[0]}
    given = {
        "PERF_BASE_URL": ends.base_url,
        "PERF_POSTGRES_DSN": ends.postgres_dsn,
        "PERF_KAFKA_BROKERS": ends.brokers,
    }
    if ends.redis_url is not None:
        given["PERF_REDIS_URL"] = ends.redis_url
        passwords.add(ends.redis_url.split("://")[1].split(":")[1].split("@")[0])
    external = CommandLine(up.command.state, given)

    answer = external("run", "--profile", str(up.command.profile(1.0)), *CREATION)

    assert answer.code == up.command.code_of(answer.run_id), answer.err
    assert "using the stack" not in answer.err
    assert all(len(password) >= 12 for password in passwords)
    history = json.dumps(
        [
            up.command.sql(f"select * from {table}")
            for table in ("runs", "environments", "benchmarks", "verdicts", "summaries", "figures")
        ],
        default=str,
    )
    for password in passwords:
        assert password not in answer.out + answer.err + history
        told = list(files_with(up.command.state, password))
        assert all(path.is_relative_to(up.command.state / "stacks" / "up") for path in told), told
        assert all(path.stat().st_mode & 0o077 == 0 for path in told), told


def files_with(state: Path, text: str) -> Iterator[Path]:
    """Find every file below a state folder that holds a text."""
    for path in state.rglob("*"):
        if path.is_file() and "cache" not in path.relative_to(state).parts:
            with suppress(OSError):
                if text.encode() in path.read_bytes():
                    yield path
