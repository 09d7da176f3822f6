"""A run that started its own stack takes it along, however it ends."""

import signal
from pathlib import Path
from typing import Final

import pytest

from perf_pipeline_tests.support.commands.command_line import (
    CREATION,
    CommandLine,
    Running,
    left_running,
    none_left_behind,
    wait_until,
)
from perf_pipeline_tests.support.places import new_state

pytestmark = pytest.mark.timeout(240)  # on a busy machine; else some 15 s each

# What needs PostgreSQL alone: a broker takes seconds of CPU to start, a stack with one is killed.
OF_DATABASE: Final = """
name = "looks"
workers = 1
calibration = false
[benchmarks.looks.scenarios.look]
exec = "sql"
executor = "constant-arrival-rate"
rate = 10
duration = "30s"
preAllocatedVUs = 5
parameters = { statements = [{ name = "one", sql = "select 1" }] }
"""


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    """Give the command line with a fresh state folder."""
    return CommandLine(new_state(tmp_path / "state"))


def begun_with_a_database(command: CommandLine) -> Running:
    profile = command.state / "looks.toml"
    profile.write_text(OF_DATABASE, encoding="utf-8")
    return command.begin("run", "--profile", str(profile))


def test_a_killed_run_takes_its_stack_along_and_its_samples_can_be_judged(
    command: CommandLine,
) -> None:
    running = command.begin("run", "--profile", str(command.profile(30.0)), *CREATION)
    running.wait_for("api_user_creation: ")
    assert len(left_running(command.state)) > 5
    running.kill()

    wait_until(lambda: left_running(command.state) == [], 60.0)
    recovered = command.here("ingest")
    report = command.here("report")

    assert "api_user_creation: " in recovered.out
    assert command.sql("select status, valid from benchmarks") == [("aborted", False)]
    assert command.value("select count(*) from samples") > 10
    assert report.code == 97
    assert "it was cut off" in report.out
    assert command.here("down").out == "nothing was running\n"


def test_a_run_that_is_stopped_while_its_stack_starts_has_sent_nothing(
    command: CommandLine,
) -> None:
    running = command.begin("run", "--profile", str(command.profile(30.0)), *CREATION)
    running.wait_for("starting PostgreSQL")
    running.send(signal.SIGTERM)

    answer = running.answer()

    assert answer.code == 105
    assert "stopped before anything was measured" in answer.err
    assert "starting the reference system" not in answer.err  # it waits for PostgreSQL
    assert left_running(command.state) == []
    assert not list(command.state.glob("spool/*"))


def test_a_run_stopped_under_load_takes_its_stack_along(command: CommandLine) -> None:
    running = command.begin("run", "--profile", str(command.profile(30.0)), *CREATION)
    running.wait_for("api_user_creation: ")
    assert any("postgres" in process for process in left_running(command.state))
    running.send(signal.SIGINT)

    answer = running.answer()

    assert answer.code == 105
    assert left_running(command.state) == []
    assert command.sql("select status from benchmarks") == [("stopped",)]
    assert Path(command.state / "reports" / answer.run_id / "report.html").exists()


def test_a_run_that_a_failing_test_leaves_behind_ends_with_the_test(command: CommandLine) -> None:
    with none_left_behind():
        running = begun_with_a_database(command)
        running.wait_for("starting PostgreSQL")

    assert running.process.poll() == -signal.SIGKILL
    wait_until(lambda: left_running(command.state) == [], 60.0)
