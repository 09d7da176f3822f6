"""What a run shares with others: the machine, the history, and passwords that it must not tell.

All on one stack that `up` left running.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import CREATION, CommandLine
from perf_pipeline_tests.support.commands.up import Up
from perf_pipeline_tests.support.histories.spooled_rows import all_rows

pytestmark = pytest.mark.timeout(180)
STATUS = "select status from benchmarks where run_id = '{}'"
HOLDER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


def test_a_history_that_gets_busy_during_the_run_loses_nothing(up: Up) -> None:
    running = up.begun(*CREATION, "--only", "end_to_end", seconds=4.0)
    holder = hold(up.command.state / "history.duckdb")
    try:
        answer = running.answer(timeout_s=80.0)
    finally:
        holder.communicate()

    recovered = up.command.here("ingest", answer.run_id)
    report = up.command.here("report", answer.run_id)

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
    """Count the samples that wait in the spool."""
    return sum(len(all_rows(benchmark, "samples")) for benchmark in folder.iterdir())


def test_of_two_runs_at_once_one_waits_and_says_for_whom(up: Up) -> None:
    first = up.begun(*CREATION, seconds=10.0)
    profile = up.command.profile(1.0)
    second = up.command.begin("run", "--profile", str(profile), *CREATION)
    second.wait_for("waiting for")
    answers = [first.answer(), second.answer()]

    spans = up.command.sql(
        "select began_at, began_at + to_microseconds((wall_s * 1e6)::bigint) from benchmarks "
        f"where run_id in ('{answers[0].run_id}', '{answers[1].run_id}') order by began_at"
    )
    assert all(answer.code == up.command.code_of(answer.run_id) for answer in answers)
    assert f"waiting for the run of profile short (pid {first.process.pid})" in answers[1].err
    assert len(spans) == 2
    assert spans[0][1] <= spans[1][0]


def test_a_run_that_waits_for_another_can_be_stopped(up: Up) -> None:
    first = up.begun(*CREATION, seconds=10.0)
    second = up.command.begin("run", "--profile", str(up.command.profile(1.0)), *CREATION)
    second.wait_for("waiting for")
    second.send(signal.SIGINT)

    stopped = second.answer(timeout_s=60.0)

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
