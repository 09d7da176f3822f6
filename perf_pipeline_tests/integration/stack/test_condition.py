"""Half a stack: `status` says what died, `run` refuses it, `up` begins anew."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.errors import StackError
from perf_pipeline.stack.embedded import down, find_running, look_at, running_stack, up
from perf_pipeline.stack.parts import Stack, StackOptions
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.silent import hush

SERVERS = StackOptions(parts=frozenset({"postgres", "redis"}))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """Give an empty state folder, and stop whatever a test left in it."""
    folder = new_state(tmp_path / "state")
    yield folder
    down(folder, say=hush)


def send(stack: Stack, part: str, number: signal.Signals) -> int:
    (pid,) = (service.pids[0] for service in stack.services if service.name == part)
    os.kill(pid, number)
    if number == signal.SIGKILL:
        os.waitpid(pid, 0)
    return pid


def test_a_part_that_died_is_told_by_status_refused_by_a_run_and_mended_by_up(state: Path) -> None:
    pid = send(up(state, SERVERS, say=hush), "redis", signal.SIGKILL)

    answer = CommandLine(state)("status")
    with (
        pytest.raises(StackError, match=rf"is incomplete: redis has ended \(pid {pid}\)") as told,
        running_stack(state, SERVERS, say=hush),
    ):
        pass
    said: list[str] = []
    up(state, SERVERS, say=said.append)

    assert answer.code == 97
    assert "ok postgres runs" in answer.out
    assert f"!! redis has ended (pid {pid}); the end of" in answer.out
    assert "`perf-pipeline up` starts it again" in answer.out
    assert "`perf-pipeline down` ends what still runs" in told.value.hint
    assert f"replacing the stack that was up, because redis has ended (pid {pid})" in said[0]
    assert find_running(state) is not None


def test_a_part_that_hangs_is_told_within_seconds(state: Path) -> None:
    pid = send(up(state, SERVERS, say=hush), "redis", signal.SIGSTOP)
    began_s = time.monotonic()

    found = {finding.part: (finding.ok, finding.sentence) for finding in look_at(state)}

    assert found == {
        "postgres": (True, "runs"),
        "redis": (False, f"is running (pid {pid}), but does not answer"),
    }
    assert time.monotonic() - began_s < 10
    os.kill(pid, signal.SIGCONT)


def test_a_start_that_was_killed_is_told_by_what_it_had_started(state: Path) -> None:
    running = CommandLine(state).start("up")
    until_s = time.monotonic() + 20
    while (
        not any(finding.part == "redis" for finding in look_at(state))
        and time.monotonic() < until_s
    ):
        time.sleep(0.05)
    running.kill()

    found = {finding.part: finding.sentence for finding in look_at(state)}

    assert found["redis"].startswith("is running (pid ")
    assert "never started" in found["up"]
    assert "up/redis" in down(state, say=hush)


def test_nothing_that_runs_is_no_half_stack(state: Path) -> None:
    assert look_at(state) == []
    assert CommandLine(state)("status").code == 0
    assert CommandLine(state)("down").out == "nothing was running\n"


def test_doctor_says_how_servers_get_an_odd_folder(tmp_path: Path) -> None:
    odd = CommandLine(new_state(tmp_path / "my project"))("doctor")
    plain = CommandLine(new_state(tmp_path / "plain"))("doctor")

    assert f"servers get {tmp_path}/my project as a link in /" in odd.out
    assert f"ok folder: servers get {tmp_path}/plain as it is" in plain.out
    assert "ok ports: there are free ports on 127.0.0.1 between 15000 and 31999" in plain.out
    assert "ok locale: " in plain.out
