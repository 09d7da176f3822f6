"""How a process of the command line ends: at once, with all that is called at an exit.

Add here: something else that has to happen at an end. Keep out: what commands answer.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_BODY = """
import atexit, sys, threading, time
from perf_pipeline import __main__ as program
from perf_pipeline.cli import main as commands

class Late:
    def __del__(self):
        print("taken apart", file=sys.stderr)

def work():
    time.sleep(0.2)
    print("a thread has ended")

def command():
    atexit.register(print, "called at exit")
    threading.Thread(target=work).start()
    print("said")
    sys.exit({code})

program.late = Late()
commands.main = command
program.start()
"""
# Python's own documentation: sys.exit prints what is no number and ends with 1, and a process whose
# standard output cannot be flushed at its end exits with 120.
_ONLY_TEXT = 1
_NOT_FLUSHED = 120


def _ended(code: str, output: Path) -> "subprocess.CompletedProcess[str]":
    body = _BODY.format(code=code)
    held_back = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with output.open("w", encoding="utf-8") as stream:
        return subprocess.run(
            [sys.executable, "-c", body],
            check=False,
            env=held_back,
            stdout=stream,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )


@pytest.mark.parametrize(("code", "expected"), [("", 0), ("99", 99)])
def test_a_process_ends_before_its_modules_are_taken_apart(
    tmp_path: Path, code: str, expected: int
) -> None:
    said = tmp_path / "said"

    ended = _ended(code, said)

    assert (ended.returncode, ended.stderr) == (expected, "")
    lines = said.read_text(encoding="utf-8").splitlines()
    assert lines == ["said", "a thread has ended", "called at exit"]


def test_an_ending_in_words_is_left_to_python(tmp_path: Path) -> None:
    ended = _ended("'no number'", tmp_path / "said")

    assert ended.returncode == _ONLY_TEXT
    assert ended.stderr.splitlines()[0] == "no number"


def test_an_output_that_takes_nothing_is_left_to_python() -> None:
    assert _ended("0", Path("/dev/full")).returncode == _NOT_FLUSHED


def test_what_was_registered_before_a_command_is_called_as_well(tmp_path: Path) -> None:
    said = tmp_path / "said"
    body = f"import atexit\natexit.register(print, 'counted')\n{_BODY.format(code='')}"
    with said.open("w", encoding="utf-8") as stream:
        ended = subprocess.run([sys.executable, "-c", body], check=False, stdout=stream)

    assert ended.returncode == 0
    assert said.read_text(encoding="utf-8").splitlines()[-1] == "counted"
