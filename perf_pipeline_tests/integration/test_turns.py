"""Tests of several processes: at the same time, or one alone, and alone once for several."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from perf_pipeline_tests.support.turns import Turns

_TRY: Final = """
import fcntl, sys
with open(sys.argv[1], "a+") as room:
    fcntl.lockf(room, fcntl.LOCK_SH | fcntl.LOCK_NB)
"""


@pytest.fixture
def turns(tmp_path: Path) -> Iterator[Turns]:
    with closing(Turns(tmp_path)) as opened:
        yield opened


def another_may_run(folder: Path) -> bool:
    """Say whether a test of another process, which need not be alone, would get into the room."""
    words = [sys.executable, "-S", "-c", _TRY, str(folder / "room.lock")]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_tests_run_side_by_side_but_for_those_that_are_alone(tmp_path: Path, turns: Turns) -> None:
    with turns.turn(alone=False):
        assert another_may_run(tmp_path)
    with turns.turn(alone=True):
        assert not another_may_run(tmp_path)
    assert another_may_run(tmp_path)


def test_between_two_that_are_alone_no_other_begins(tmp_path: Path, turns: Turns) -> None:
    with turns.turn(alone=True, next_too=True):
        assert not another_may_run(tmp_path)
    assert not another_may_run(tmp_path)
    with turns.turn(alone=True):
        assert not another_may_run(tmp_path)
    assert another_may_run(tmp_path)


def test_a_test_that_is_not_alone_keeps_the_room_for_nobody(tmp_path: Path, turns: Turns) -> None:
    with turns.turn(alone=False, next_too=True):
        pass

    with turns.turn(alone=True):
        assert not another_may_run(tmp_path)
