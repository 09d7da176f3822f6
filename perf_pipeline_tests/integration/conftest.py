"""Fixtures of the tests of whole runs; the servers for everybody are in the conftest above."""

from collections.abc import Iterator

import pytest

from perf_pipeline.stack.embedded import find_running
from perf_pipeline_tests.integration.runs_command import (
    CommandLine,
    left_running,
    new_state,
    none_left_behind,
)
from perf_pipeline_tests.integration.runs_up import Up


@pytest.fixture(autouse=True)
def _commands_end_with_their_test() -> Iterator[None]:
    with none_left_behind():
        yield


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
