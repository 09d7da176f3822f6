"""The page of a run: told to real HTTP clients, its button stops the run, and it ends with it."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from perf_pipeline_tests.support.commands.command_line import (
    CommandLine,
    Running,
    is_alive,
    wait_until,
)
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.fine_server import fine_server

PROFILE = """
name = "short"
workers = 1
calibration = false
[benchmarks.visit.scenarios.s]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 20
duration = "150s"
preAllocatedVUs = 5
[[benchmarks.visit.scenarios.s.parameters.steps]]
name = "get"
path = "/x"
[benchmarks.visit.thresholds]
http_req_failed = ["rate<0.5"]
http_req_duration = ["max<0.001"]
"""
# The load is long, as it is stopped; a machine that is busy takes its time until then.
pytestmark = pytest.mark.timeout(180)
Events = Iterator[Mapping[str, Any]]


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    return CommandLine(new_state(tmp_path / "state"))


@contextmanager
def told_by(address: str) -> Iterator[Events]:
    """Give the events that a page at an address is told."""
    with httpx.stream("GET", f"{address}events", timeout=60.0) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield (
            json.loads(line.removeprefix("data: "))
            for line in answer.iter_lines()
            if line.startswith("data: ")
        )


def until(events: Events, kind: str, text: str = "") -> Mapping[str, Any]:
    """Read until an event of a kind holds a text; the server tells it, or the client gives up."""
    return next(event for event in events if event["kind"] == kind and text in str(event))


def address_of(running: Running) -> str:
    told = running.wait_for("follow the run at ")
    return told.split("follow the run at ", 1)[1].split()[0]


def test_the_page_of_a_run_shows_it_stops_it_and_ends_with_it(command: CommandLine) -> None:
    with fine_server() as url:
        profile = command.state / "short.toml"
        profile.write_text(PROFILE)
        running = command.begin("run", str(profile), "--watch", PERF_BASE_URL=url)
        address = address_of(running)
        [page] = [
            process for process in psutil.process_iter() if _is_page_of(process, command.state)
        ]
        with told_by(address) as early:
            assert "Content-Security-Policy" in httpx.get(address).text
            section = until(early, "section")
            names = [panel["names"] for panel in section["data"]["panels"]]
            assert ["ended", "planned"] in [sorted(panel) for panel in names]
            assert ["p50", "p95", "p99"] in [sorted(panel) for panel in names]
            assert "MISSED SO FAR" in until(early, "tables", "MISSED SO FAR")["html"]
            assert until(early, "points")["count"] > section["data"]["count"]
            foreign = httpx.post(f"{address}stop", headers={"origin": "http://evil.example"})
            assert (foreign.status_code, running.process.poll()) == (403, None)

            with told_by(address) as late:  # a second page, opened in the middle of the run
                assert until(late, "section")["data"]["from"] == section["data"]["from"]
                assert httpx.post(f"{address}stop").status_code == 202
                again = httpx.post(f"{address}stop")
                assert (again.status_code, "asked to stop already" in again.text) == (409, True)
                head = until(late, "head", "(exit code 105)")
            assert head["heading"].startswith("Ended: ")
            assert "<title>" in httpx.get(f"{address}{head['report']}").text

        answer = running.answer()

    assert answer.code == 105
    assert (command.state / "reports" / answer.run_id / "report.html").is_file()
    wait_until(lambda: not is_alive(page))


def _is_page_of(process: psutil.Process, state: Path) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return "watch" in words and str(state) in words


def test_a_page_waits_for_a_run_and_ctrl_c_ends_it(command: CommandLine) -> None:
    running = command.start("watch")
    process = running.process
    assert isinstance(process, subprocess.Popen)
    assert process.stdout is not None
    address = process.stdout.readline().strip()

    with told_by(address) as events:
        assert until(events, "head")["heading"] == "No run is under way"
        running.send(signal.SIGINT)
        assert list(events) == []

    assert running.answer().code == 0


def test_a_port_that_is_taken_is_told_in_a_sentence(command: CommandLine) -> None:
    priority = os.getpriority(os.PRIO_PROCESS, 0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        answer = command.here("watch", "--port", str(port))

    assert answer.code == 104
    assert answer.err == (
        f"perf-pipeline: 127.0.0.1:{port} can't be listened on: Address already in use\n"
        "  give another --port, or --port 0 for any that is free\n"
    )
    # The page steps behind the load once it listens: what follows here would be behind all else.
    assert os.getpriority(os.PRIO_PROCESS, 0) == priority
