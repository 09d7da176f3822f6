"""A start side by side: what fails is told, and whatever ends a start leaves nothing running."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from perf_pipeline.errors import StackError, TargetUnavailableError
from perf_pipeline.stack.embedded import down, running_stack
from perf_pipeline.stack.ending import abandon
from perf_pipeline.stack.parts import StackOptions
from perf_pipeline.stack.process_register import is_alive, read_register, this_process
from perf_pipeline.stack.service import Command, open_folder, spawn
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.dagster.runs import of_state
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.silent import hush

SERVERS = frozenset({"postgres", "redis"})


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """Give a state folder with the downloaded jars, and stop whatever a failing test left."""
    folder = new_state(tmp_path / "state")
    yield folder
    down(folder, say=hush)


def test_the_part_that_fails_is_told_and_the_others_are_ended(state: Path) -> None:
    options = StackOptions(brokers="127.0.0.1:1", parts=SERVERS)

    with (
        pytest.raises(TargetUnavailableError, match=r"no broker at 127\.0\.0\.1:1 answered"),
        running_stack(state, options, say=hush),
    ):
        pass

    assert of_state(state) == []


@pytest.mark.parametrize("after_s", [0.2, 1.5], ids=["at once", "in the middle"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=lambda sent: sent.name)
def test_a_signal_during_up_ends_all_that_it_started(
    state: Path, number: signal.Signals, after_s: float
) -> None:
    running = CommandLine(state).start("up")
    register = state / "stacks" / "up" / "ledger.json"
    until_s = time.monotonic() + 20
    while not register.exists() and time.monotonic() < until_s:
        time.sleep(0.02)
    time.sleep(after_s)

    running.send(number)
    answer = running.answer()

    assert answer.code == 105, answer.err
    assert f"stopped ({number.name})" in answer.err
    assert of_state(state) == []


def test_nothing_is_started_in_a_stack_that_is_being_ended(tmp_path: Path) -> None:
    open_folder(tmp_path, owner=this_process())
    spawn(tmp_path, Command(name="first", argv=("/bin/sleep", "60")))

    abandon(tmp_path)

    with pytest.raises(StackError, match="late was not started, because the stack is being"):
        spawn(tmp_path, Command(name="late", argv=("/bin/sleep", "60")))
    register = read_register(tmp_path)
    assert register is not None
    assert [(process.name, is_alive(process)) for process in register.processes] == [
        ("first", False)
    ]


def priority_of(pid: int) -> int | None:
    with suppress(ProcessLookupError):  # a backend that has done its work
        return os.getpriority(os.PRIO_PROCESS, pid)
    return None


def test_servers_run_at_a_lower_priority_than_the_load(state: Path) -> None:
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    with running_stack(state, StackOptions(parts=SERVERS), say=hush) as stack:
        found = [priority_of(pid) for service in stack.services for pid in service.pids]
        running = [process for process in found if process is not None]
        assert len(running) > 2  # PostgreSQL's own processes among them
        assert set(running) == {min(19, ours + 5)}
        # Between sessions only this value counts (sched(7)).
        sessions = [Path(f"/proc/{service.pids[0]}/autogroup") for service in stack.services]
        told = [file.read_text().split() for file in sessions if file.exists()]
        assert all(words[-2:] == ["nice", str(min(19, ours + 5))] for words in told)
