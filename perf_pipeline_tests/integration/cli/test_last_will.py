"""A command that outlives the process which asked for it, and only where that was killed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from perf_pipeline_tests.support.places import ROOT

OWNER = """
import os, sys
from perf_pipeline_tests.support.commands.last_will import done_if_killed
with done_if_killed([sys.executable, "-c", f"open({sys.argv[1]!r}, 'w').close()"], os.environ):
    print("in", flush=True)
    sys.stdin.readline()
print("out", flush=True)
"""


def owner(mark: Path) -> subprocess.Popen[str]:
    """Start a process that leaves the mark if it is killed, and wait until it is in the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(mark)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    return process


@pytest.mark.timeout(60)
def test_a_killed_process_has_its_last_will_done(tmp_path: Path) -> None:
    with owner(tmp_path / "mark") as process:
        assert not (tmp_path / "mark").exists()
        process.kill()
    until_s = time.monotonic() + 40

    while not (tmp_path / "mark").exists():
        assert time.monotonic() < until_s
        time.sleep(0.05)


def test_a_process_that_leaves_the_block_has_no_last_will(tmp_path: Path) -> None:
    with owner(tmp_path / "mark") as process:
        out, _ = process.communicate("go on\n", timeout=20)

    assert (process.returncode, out) == (0, "out\n")
    time.sleep(0.5)
    assert not (tmp_path / "mark").exists()
