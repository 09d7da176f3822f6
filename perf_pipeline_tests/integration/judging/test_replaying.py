"""A replay that is shared out among processes says what it says in one, and leaves none of them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from math import sin
from pathlib import Path
from typing import Final

import psutil
import pytest

from perf_pipeline.analysis.backtest import ReplayedSeries, replay, tally
from perf_pipeline.analysis.baseline import BaselinePolicy, Series
from perf_pipeline.judging import replaying
from perf_pipeline.judging.replaying import shared_out
from perf_pipeline_tests.support.commands.command_line import wait_until
from perf_pipeline_tests.support.loads.own_processes import command_lines

RUNS = 24
POLICY = BaselinePolicy()
# Two processes work on 100 pieces of a second each.
COMMAND: Final = """
import os, signal, sys
from perf_pipeline.judging import replaying
from perf_pipeline_tests.integration.judging.test_replaying import TRACKS

signal.signal(signal.SIGINT, signal.default_int_handler)
replaying.usable_cores = lambda: 2
try:
    with replaying.shared_out(TRACKS, long=1) as each:
        each(os.system, [f"echo done >>'{sys.argv[1]}'; sleep 1"] * 100)
except KeyboardInterrupt:
    print("stopped")
"""


def track(number: int) -> ReplayedSeries:
    """Make a series that has noise of 2 %, and gets half as slow again with its 13th run."""
    series = Series("http_req_duration", {"operation": str(number)}, "p(95)")
    values = (100 * (1.5 if n > 12 else 1) * (1 + 0.02 * sin(7 * n + number)) for n in range(RUNS))
    return ReplayedSeries("api", series, tuple(f"r{n:02}" for n in range(RUNS)), tuple(values))


TRACKS = [track(number) for number in range(4)]


def test_a_long_replay_in_two_processes_says_what_it_says_in_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replaying, "usable_cores", lambda: 2)
    run_ids = list(TRACKS[0].run_ids)

    with shared_out(TRACKS, long=RUNS) as each:
        assert each is not map
        shared = tally(TRACKS, run_ids, POLICY, each=each)
        diffs = list(each(partial(replay, policy=POLICY), TRACKS))

    assert diffs == [replay(track, POLICY) for track in TRACKS]
    assert shared == tally(TRACKS, run_ids, POLICY)
    assert shared.alarms


@pytest.mark.parametrize(("cores", "long"), [(1, RUNS), (2, 1_000)])
def test_one_core_or_a_short_history_begins_no_process(
    monkeypatch: pytest.MonkeyPatch, cores: int, long: int
) -> None:
    monkeypatch.setattr(replaying, "usable_cores", lambda: cores)

    with shared_out(TRACKS, long=long) as each:
        assert each is map


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Name the file that has a line for each piece of work."""
    return tmp_path / "log"


@pytest.fixture
def command(log: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a command that shares work out, in a process group of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, log],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        process.kill()


def both(command: subprocess.Popen[str]) -> list[psutil.Process]:
    """Wait until both processes have begun, and give them."""
    found: list[psutil.Process] = []

    def have_begun() -> bool:
        lines = command_lines(psutil.Process(command.pid))
        found[:] = [process for process, words in lines if "spawn_main" in " ".join(words)]
        return len(found) == 2

    wait_until(have_begun)
    return found


def left(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Wait for the end of processes; give those that still run."""
    alive = psutil.wait_procs(processes, timeout=30)[1]
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_a_command_that_is_killed_leaves_no_process(
    command: subprocess.Popen[str], log: Path
) -> None:
    found = both(command)
    wait_until(log.exists)

    command.kill()

    assert left(found) == []


def test_ctrl_c_ends_the_processes_without_a_traceback_while_they_are_still_beginning(
    command: subprocess.Popen[str], log: Path
) -> None:
    found = both(command)

    os.killpg(command.pid, signal.SIGINT)

    assert command.communicate(timeout=60) == ("stopped\n", "")
    assert left(found) == []
    assert not log.exists() or len(log.read_text().splitlines()) < 10


def test_there_are_no_more_processes_than_pay_for_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replaying, "usable_cores", lambda: 64)
    begun: list[int] = []
    monkeypatch.setattr(replaying, "_pool", begun.append)

    with shared_out(TRACKS * 16, long=1) as each:
        assert each is map  # as on a system without semaphores, where no pool can be made
    assert begun == [8]
