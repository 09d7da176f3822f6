"""Tests of several processes: at the same time, or one alone, and alone once for several."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import pytest

from perf_pipeline_tests.support.places import ROOT
from perf_pipeline_tests.support.turns import Turns

_TRY: Final = """
import fcntl, sys
with open(sys.argv[1], "a+") as room:
    fcntl.lockf(room, fcntl.LOCK_SH | fcntl.LOCK_NB)
"""
_ENTER: Final = """
import pathlib, sys
from perf_pipeline_tests.support.turns import Turns
with Turns(pathlib.Path(sys.argv[1])).turn(alone=sys.argv[2] == "True"):
    pass
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


def test_who_waits_to_be_alone_keeps_nobody_from_beginning(tmp_path: Path, turns: Turns) -> None:
    with ExitStack() as ended:
        with turns.turn(alone=False):
            waiting = ended.enter_context(_entering(tmp_path, alone=True))
            _await_blocked(waiting.pid)
            with _entering(tmp_path, alone=False) as another:
                assert another.wait(30) == 0
            assert waiting.poll() is None
        assert waiting.wait(30) == 0


def _entering(folder: Path, *, alone: bool) -> subprocess.Popen[bytes]:
    """Start a process that waits for a turn, takes it, and ends."""
    return subprocess.Popen([sys.executable, "-c", _ENTER, str(folder), str(alone)], cwd=ROOT)


def _await_blocked(pid: int) -> None:
    """Wait until a process waits for a lock: the kernel lists it behind an arrow."""
    give_up_s = time.monotonic() + 30
    while not re.search(rf"-> POSIX\s+ADVISORY\s+WRITE\s+{pid} ", Path("/proc/locks").read_text()):
        assert time.monotonic() < give_up_s
        time.sleep(0.01)
