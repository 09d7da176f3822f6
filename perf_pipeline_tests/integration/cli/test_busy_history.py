"""A history that another process has open during a run: nothing of the run is lost."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine, Running
from perf_pipeline_tests.support.commands.forked import started
from perf_pipeline_tests.support.histories.spooled_rows import all_rows
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.fine_server import fine_server

pytestmark = pytest.mark.timeout(180)
STATUS = "select status from benchmarks where run_id = '{}'"
HOLDER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""
# The first load is under way while another process opens the history, and the second one follows.
TWO_LOADS: Final = """
name = "two"
workers = 1
calibration = false
""" + "".join(
    f"""
[benchmarks.{name}.scenarios.s]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 10
duration = "{duration}"
preAllocatedVUs = 5
parameters.steps = [{{ name = "look", path = "/x" }}]
[benchmarks.{name}.thresholds]
http_reqs = ["count>0"]
"""
    for name, duration in (("first", "4s"), ("second", "1s"))
)


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    state = new_state(tmp_path_factory.mktemp("two") / "state")
    (state / "two.toml").write_text(TWO_LOADS, encoding="utf-8")
    with fine_server() as base_url:
        yield CommandLine(state, {"PERF_BASE_URL": base_url})


def begun(command: CommandLine) -> Running:
    """Start both loads, and wait until the first is under way."""
    running = command.begin("run", "--profile", str(command.state / "two.toml"))
    running.wait_for("first: ")
    return running


def test_a_history_that_gets_busy_during_the_run_loses_nothing(command: CommandLine) -> None:
    running = begun(command)
    holder = hold(command.state / "history.duckdb")
    try:
        answer = running.answer(timeout_s=80.0)
    finally:
        holder.communicate()

    recovered = command.here("ingest", answer.run_id)
    report = command.here("report", answer.run_id)

    assert answer.code == 97
    assert f"history.duckdb is open in pid {holder.pid}" in answer.err
    assert f"safe in {command.state / 'spool' / answer.run_id}" in answer.err
    assert f"perf-pipeline ingest {answer.run_id}" in answer.err
    assert f"{answer.run_id} second: " in recovered.out
    assert [row[0] for row in command.sql(STATUS.format(answer.run_id))] == ["complete"] * 2
    assert spooled(command.state / "spool" / answer.run_id) == command.value(
        f"select count(*) from samples where run_id = '{answer.run_id}'"
    )
    assert report.code in {0, 97, 99}
    assert "http_reqs" in report.out


def test_a_history_that_is_free_again_at_the_end_is_filled_by_the_run_itself(
    command: CommandLine,
) -> None:
    running = begun(command)
    holder = hold(command.state / "history.duckdb")
    running.wait_for("first waits in the spool")
    holder.communicate()

    answer = running.answer()

    assert answer.code == command.code_of(answer.run_id), answer.out + answer.err
    assert [row[0] for row in command.sql(STATUS.format(answer.run_id))] == ["complete"] * 2


def hold(history: Path) -> "subprocess.Popen[Any]":
    """Open the history in another process until its stdin is closed."""
    holder = started(
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
