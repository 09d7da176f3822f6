"""A whole stack that stays up for all tests of a process, as somebody's own system would.

Add here: another way to have it. Keep out: what tests do to it (support/commands/up.py).
"""

import sys
from collections.abc import Iterator

import pytest

from perf_pipeline.stack.embedded import find_running
from perf_pipeline_tests.support.commands.command_line import (
    CommandLine,
    left_running,
    without_target,
)
from perf_pipeline_tests.support.commands.last_will import done_if_killed
from perf_pipeline_tests.support.commands.up import Up
from perf_pipeline_tests.support.places import new_state


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Start a stack that stays, and take it down at the end, also if this process is killed."""
    command = CommandLine(new_state(tmp_path_factory.mktemp("up") / "state"))
    down = [sys.executable, "-m", "perf_pipeline", "--state", str(command.state), "down"]
    with done_if_killed(down, without_target()):
        answer = command("up")
        assert answer.code == 0, answer.err
        stack = find_running(command.state)
        assert stack is not None
        yield Up(command, stack)
        ended = command("down")
    assert ended.code == 0
    assert "up/api" in ended.out
    assert left_running(command.state) == []


@pytest.fixture(scope="session")
def configured_target(up: Up) -> dict[str, str]:
    """Give the environment that points at a system which somebody else has started."""
    return up.as_target
