"""kill -9 in a benchmark: 97 in every answer afterwards, before the spool is ingested and after."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import (
    Answer,
    CommandLine,
    is_alive,
    load_workers,
    wait_until,
)
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.fine_server import fine_server

SCENARIO = """
[benchmarks.{name}.scenarios.s]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 40
duration = "{seconds}s"
preAllocatedVUs = 5
[[benchmarks.{name}.scenarios.s.parameters.steps]]
name = "get"
path = "/x"
[benchmarks.{name}.thresholds]
http_req_failed = ["rate<0.5"]
"""
PLANNED = ("first", "killed", "never")


@pytest.mark.timeout(180)
def test_a_run_that_was_killed_never_passes(tmp_path: Path) -> None:
    state = new_state(tmp_path / "state")
    scenarios = (
        SCENARIO.format(name=name, seconds=30 if name == "killed" else 1) for name in PLANNED
    )
    profile = tmp_path / "three.toml"
    profile.write_text(
        'name = "three"\nworkers = 1\ncalibration = false\n' + "".join(scenarios), encoding="utf-8"
    )
    with fine_server() as base_url:
        command = CommandLine(state, {"PERF_BASE_URL": base_url})
        # Not a fork: its workers have the descriptors of processes that it started itself.
        running = command.start("run", "--profile", str(profile))
        running.wait_for("killed …")
        wait_until(lambda: any((state / "spool").glob("*/killed/samples*")))
        workers = load_workers(running.process.pid)
        running.kill()
    wait_until(lambda: not any(map(is_alive, workers)), 30.0)
    (run_id,) = (path.name for path in (state / "spool").iterdir())

    before = [command.here(*asked) for asked in (("report",), ("judge",), ("report", run_id))]
    junit_before = troubled(state, run_id)
    ingested = command.here("ingest")
    after = [command.here(*asked) for asked in (("report",), ("judge", run_id), ("judge",))]

    assert workers
    assert [answer.code for answer in (*before, *after)] == [97] * 6
    assert all(names_all(answer) for answer in (*before, *after))
    assert f"{run_id} killed: " in ingested.out
    assert {"killed", "never"} <= junit_before
    assert {"killed", "never"} <= troubled(state, run_id)


def names_all(answer: Answer) -> bool:
    """Say whether a report has every planned benchmark."""
    return all(name in answer.out for name in PLANNED)


def troubled(state: Path, run_id: str) -> set[str]:
    """Read from the JUnit file which benchmarks have a case with a failure or an error."""
    root = ET.parse(state / "reports" / run_id / "junit.xml").getroot()  # noqa: S314 - our own
    return {
        suite.attrib["name"]
        for suite in root.iter("testsuite")
        if suite.findall(".//failure") or suite.findall(".//error")
    }
