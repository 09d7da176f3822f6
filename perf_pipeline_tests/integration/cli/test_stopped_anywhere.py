"""Ctrl-C or SIGTERM at any moment of a run: 105, or it had ended; no traceback, nothing is left.

PERF_TEST_MOMENTS=40 tries more moments than the few of the suite, PERF_TEST_SEED others.
"""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from perf_pipeline_tests.support.commands.command_line import (
    Answer,
    CommandLine,
    Running,
    left_running,
    wait_until,
)
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.fine_server import fine_server

pytestmark = pytest.mark.timeout(120)
STOPS = int(os.environ.get("PERF_TEST_MOMENTS", "4"))
SEED = int(os.environ.get("PERF_TEST_SEED", "9"))
STOPPED_LATER = (
    "stopping; what was measured is kept (again to stop at once)\n"
    "perf-pipeline: stopped before anything was measured"
)
PROFILE = """
name = "short"
workers = 1
calibration = false
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


@pytest.fixture(scope="module", autouse=True)
def _ctrl_c_is_heard() -> Iterator[None]:
    """Undo what a shell does to Ctrl-C of what it starts with &: children would ignore it, too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """Give the command line with a server that somebody else has started, and a short profile."""
    state = new_state(tmp_path_factory.mktemp("stopped") / "state")
    (state / "short.toml").write_text(PROFILE, encoding="utf-8")
    with fine_server() as base_url:
        yield CommandLine(state, {"PERF_BASE_URL": base_url})


def run(command: CommandLine, *, imports: bool = False) -> Running:
    """Begin a run, in an interpreter that has imported nothing yet or in a fork of one that has."""
    begin = command.start if imports else command.begin
    return begin("run", "--profile", str(command.state / "short.toml"))


@pytest.fixture(scope="module")
def whole_s(command: CommandLine) -> float:
    """Tell how long a whole run takes here and now."""
    answer = run(command).answer()
    assert answer.code in {0, 97, 99}, answer.err
    return answer.took_s


def listens(pid: int) -> bool:
    """Say whether a process catches SIGTERM; an interpreter that still starts up dies of it."""
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        (caught,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught, 16) & 1 << signal.SIGTERM - 1)
    return False


def stopped(
    command: CommandLine, after_s: float, number: signal.Signals, *, imports: bool
) -> Answer:
    """Run until some time after the beginning, then send a signal and wait for the end."""
    running = run(command, imports=imports)
    wait_until(lambda: running.process.poll() is not None or listens(running.process.pid))
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
    number = chance.choice((signal.SIGINT, signal.SIGTERM))

    # At first a run still imports; one in mid-load shows what its own interpreters do.
    answer = stopped(command, after_s, number, imports=stop in {0, STOPS // 2})

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


def test_a_signal_while_modules_are_still_imported_ends_with_105(command: CommandLine) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        answer = stopped(command, 0.0, number, imports=True)

        assert answer.code == 105, answer.err
        # On a machine that held this test back the run has begun by then, and says so.
        assert answer.err.strip() in {"", "perf-pipeline: stopped", STOPPED_LATER}
