"""Signals that mean an end: Ctrl-C, SIGTERM, a closed terminal, and nothing of that under nohup."""

import os
import pty
import subprocess
import sys

import pytest

from perf_pipeline_tests.support.commands.forked import started

PROGRAM = """
import os, signal, sys
if "nohup" in sys.argv:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
from perf_pipeline.stack.webserver import stop_signals
with stop_signals() as stop:
    print("ready", flush=True)
    sys.stdin.read()
    os.kill(os.getpid(), getattr(signal, sys.argv[1]))
    print("stopping", flush=True)
    sys.exit(3 if stop.wait(0.2) else 4)
"""
STOPS, GOES_ON = 3, 4


def ending_of(*arguments: str) -> int:
    """Run the program; give its exit code."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        process.communicate(b"")
    return process.returncode


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP"])
def test_whoever_wants_an_end_gets_it(name: str) -> None:
    assert ending_of(name) == STOPS


def test_under_nohup_a_closed_terminal_ends_nothing() -> None:
    assert ending_of("SIGHUP", "nohup") == GOES_ON
    assert ending_of("SIGINT", "nohup") == STOPS


def test_what_is_said_after_the_terminal_was_closed_ends_nothing() -> None:
    """Whoever writes to a terminal whose other side has gone gets EIO."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", PROGRAM, "SIGHUP"]
    with started(command, stdin=subprocess.PIPE, stdout=theirs) as process:
        os.close(theirs)
        with os.fdopen(ours, "rb") as terminal:  # to the line's end: half of it may come first
            assert terminal.readline() == b"ready\r\n"
        process.communicate()

    assert process.returncode == STOPS
