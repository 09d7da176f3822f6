"""What holds for every test of real services."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import none_left_behind


@pytest.fixture(autouse=True)
def _commands_end_with_their_test(tmp_path: Path) -> Iterator[None]:
    """End commands before the folder goes in which they keep what they have started."""
    assert tmp_path.is_dir()
    with none_left_behind():
        yield
