"""Fleets that a run is not sent to: not there, open to listeners, or not to load the target.

Add here: another refusal. Keep out: loads (test_fleet_runs.py), which have to be alone.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from perf_pipeline_tests.support.commands.command_line import Answer, CommandLine
from perf_pipeline_tests.support.fleets import loopback_fleet
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.timed_target import TimedTarget, timed_target

# A module of the author's and a file of data have to be sent to the hosts, were there a load.
PROFILE: Final = """
name = "fleet"
calibration = false
target = "here"
[targets.here]
baseUrl = "http://127.0.0.1:{port}"

[benchmarks.held.scenarios.steps]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 10
duration = "1s"
preAllocatedVUs = 5
parameters = {{ data.people = {{ csv = "people.csv" }}, steps = [
  {{ name = "get", path = "/held/${{data.people.name}}" }} ] }}

[benchmarks.held.scenarios.python]
exec = "flows:look"
executor = "per-vu-iterations"
vus = 1
iterations = 1
"""
FLOWS: Final = """
async def look(vu):
    await vu.client.get("/look", extensions={"name": "look"})
"""


@pytest.fixture(scope="module")
def target() -> Iterator[TimedTarget]:
    with timed_target({}) as running:
        yield running


@pytest.fixture
def command(tmp_path: Path, target: TimedTarget) -> CommandLine:
    """Give the command line beside a project, with a state folder of its own."""
    (tmp_path / "flows.py").write_text(FLOWS, encoding="utf-8")
    (tmp_path / "people.csv").write_text("name\nann\n", encoding="utf-8")
    (tmp_path / "fleet.toml").write_text(PROFILE.format(port=target.port), encoding="utf-8")
    return CommandLine(new_state(tmp_path / "state"))


def run(command: CommandLine, address: str, *more: str, allowed: str = "") -> Answer:
    path = str(command.state.parent / "fleet.toml")
    return command("run", path, "--fleet", address, *more, PERF_ALLOWED_HOSTS=allowed)


def test_a_target_has_to_be_allowed_on_each_host_as_well(command: CommandLine) -> None:
    # 192.0.2.0/24 is for documentation (RFC 5737): nobody answers there, and nobody is asked.
    url = "targets.here.baseUrl=http://192.0.2.1:80"
    with loopback_fleet() as fleet:
        answer = run(command, fleet.address, "--set", url, allowed="192.0.2.1")

    assert answer.code == 104, answer.err
    assert (
        "127.0.0.2 may not load 192.0.2.1, which its own PERF_ALLOWED_HOSTS does not name"
    ) in answer.err


def test_a_fleet_that_is_not_there_is_told_before_anything_is_sent(
    command: CommandLine, target: TimedTarget
) -> None:
    answer = run(command, "tcp://127.0.0.1:9")

    assert answer.code == 97, answer.err
    assert "the fleet at tcp://127.0.0.1:9 does not answer" in answer.err
    assert target.counts == {}


def test_a_fleet_that_others_can_listen_to_has_to_be_wanted(command: CommandLine) -> None:
    answer = run(command, "tcp://192.0.2.1:8786")

    assert answer.code == 104, answer.err
    assert "tcp://192.0.2.1:8786 is not encrypted" in answer.err
