"""What holds for every test of real services."""

from collections.abc import Iterator

import pytest

from perf_pipeline_tests.support.commands.command_line import none_left_behind


@pytest.fixture(autouse=True)
def _commands_end_with_their_test() -> Iterator[None]:
    with none_left_behind():
        yield
