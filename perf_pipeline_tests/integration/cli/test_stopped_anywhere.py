"""Ctrl-C at any moment of a run: 105, or the run had ended; no traceback, and nothing is left.

PERF_TEST_MOMENTS=40 tries more moments than the few of the suite, PERF_TEST_SEED others.
"""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from perf_pipeline_tests.support.commands.command_line import (
    Answer,
    CommandLine,
    Running,
    left_running,
)
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.fine_server import fine_server

STOPS = int(os.environ.get("PERF_TEST_MOMENTS", "4"))
SEED = int(os.environ.get("PERF_TEST_SEED", "9"))
BEGINS_AFTER_CPU_S = 0.05  # an interpreter that still starts up dies of the signal as any program
PROFILE = """
name = "short"
workers = 1
[benchmarks.visit.scenarios.s]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 40
duration = "1s"
preAllocatedVUs = 5
gracefulStop = "1s"
[[benchmarks.visit.scenarios.s.parameters.steps]]
name = "get"
path = "/x"
[benchmarks.visit.thresholds]
http_req_failed = ["rate<0.5"]
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """Give the command line with a server that somebody else has started, and a short profile."""
    state = new_state(tmp_path_factory.mktemp("stopped") / "state")
    (state / "short.toml").write_text(PROFILE, encoding="utf-8")
    with fine_server() as base_url:
        yield CommandLine(state, {"PERF_BASE_URL": base_url})


def run(command: CommandLine) -> Running:
    """Begin a run."""
    return command.start("run", "--profile", str(command.state / "short.toml"))


@pytest.fixture(scope="module")
def whole_s(command: CommandLine) -> float:
    """Tell how long a whole run takes here and now."""
    answer = run(command).answer()
    assert answer.code in {0, 97, 99}, answer.err
    return answer.took_s


def stopped(command: CommandLine, after_s: float, number: signal.Signals) -> Answer:
    """Run until some time after the beginning, then send a signal and wait for the end."""
    running = run(command)
    process = psutil.Process(running.process.pid)
    with suppress(psutil.Error):
        while sum(process.cpu_times()[:2]) < BEGINS_AFTER_CPU_S:
            time.sleep(0.002)
    time.sleep(after_s)
    running.send(number)
    return running.answer()


@pytest.mark.parametrize("stop", range(STOPS))
@pytest.mark.timeout(180)
def test_a_run_that_is_stopped_at_some_moment_ends_in_order(
    command: CommandLine, whole_s: float, stop: int
) -> None:
    chance = random.Random(f"{SEED}/{stop}")
    after_s = whole_s * (stop + chance.random()) / STOPS

    answer = stopped(command, after_s, chance.choice((signal.SIGINT, signal.SIGTERM)))

    told = f"{after_s:.3f} of {whole_s:.3f} s, {answer.code}: {answer.err}{answer.out}"
    assert answer.code in {0, 97, 99, 105}, told
    assert "Traceback" not in told
    assert "unexpected" not in told
    assert answer.err.count("perf-pipeline: ") <= 1, told
    assert left_running(command.state) == [], told


def test_a_run_after_the_stopped_ones_waits_for_nobody(
    command: CommandLine, whole_s: float
) -> None:
    answer = run(command).answer()

    assert answer.code in {0, 97, 99}, answer.err
    assert "waiting" not in answer.err
    assert whole_s > 0
