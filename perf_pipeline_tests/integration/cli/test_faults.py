"""Faults of a load: a server of somebody's own is frozen and goes on, whatever ends the run.

Add here: another end. Keep out: parts of the reference system (test_leaders.py).
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from perf_pipeline_tests.support.commands.command_line import Answer, CommandLine, wait_until
from perf_pipeline_tests.support.places import new_state

pytestmark = pytest.mark.timeout(150)

SERVER = """
import signal
from perf_pipeline_tests.support.servers.fine_server import fine_server
with fine_server() as url:
    print(url, flush=True)
    signal.pause()
"""
PROFILE = """
name = "faulty"
workers = 1
calibration = false
"""
LOAD = """
[benchmarks.{benchmark}]
faults = [{{ name = "{fault}", at = "3s", kind = "command", {keys} }}]
[benchmarks.{benchmark}.scenarios.look]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 40
duration = "{seconds}s"
preAllocatedVUs = 150
gracefulStop = "2s"
[[benchmarks.{benchmark}.scenarios.look.parameters.steps]]
name = "look"
path = "/x"
[benchmarks.{benchmark}.thresholds]
fault_recovery_s = ["value<8"]
"""


class Shop(NamedTuple):
    """Hold a server in a process of its own, which can be frozen."""

    base_url: str
    process: psutil.Process


@pytest.fixture(scope="module")
def server() -> Iterator[Shop]:
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Shop(process.stdout.readline().strip(), psutil.Process(process.pid))
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def shop(server: Shop) -> Iterator[Shop]:
    """Give the server, which goes on after the test, whatever the test has done to it."""
    yield server
    server.process.resume()


def frozen(process: psutil.Process) -> bool:
    return bool(process.status() == psutil.STATUS_STOPPED)


def frozen_for(pid: int, lasts: str) -> str:
    """Give the keys of a fault that freezes a process."""
    return f'run = "kill -STOP {pid}", undo = "kill -CONT {pid}", for = "{lasts}"'


def load(keys: str, *, seconds: int, benchmark: str = "shop", fault: str = "frozen") -> str:
    """Write a benchmark that has a fault."""
    return LOAD.format(keys=keys, seconds=seconds, benchmark=benchmark, fault=fault)


def profile(folder: Path, *loads: str) -> str:
    """Write a profile that has these benchmarks, and name it."""
    path = folder / "faulty.toml"
    path.write_text(PROFILE + "".join(loads), encoding="utf-8")
    return str(path)


def command_of(shop: Shop, folder: Path) -> CommandLine:
    return CommandLine(new_state(folder / "state"), {"PERF_BASE_URL": shop.base_url})


def story(command: CommandLine, answer: Answer, fault: str) -> tuple[Any, ...]:
    return command.sql(
        "select injected_us / 1e6, (undo_us - injected_us) / 1e6, "
        "(effect_us - injected_us) / 1e6, (recovered_us - injected_us) / 1e6 from faults "
        f"where run_id = '{answer.run_id}' and fault = '{fault}'"
    )[0]


def figure(
    command: CommandLine, answer: Answer, name: str, fault: str = "", benchmark: str = "shop"
) -> Any:
    return command.value(
        f"select value from figures where run_id = '{answer.run_id}' and name = '{name}' "
        f"and operation = '{fault}' and benchmark = '{benchmark}'"
    )


@pytest.fixture(scope="module")
def ran(server: Shop, tmp_path_factory: pytest.TempPathFactory) -> tuple[CommandLine, Answer]:
    """Load a server that freezes for a second, then has a fault that can't be, then stays frozen.

    It goes on when the run is over.
    """
    folder = tmp_path_factory.mktemp("faults")
    command, pid = command_of(server, folder), server.process.pid
    fails = "run = \"echo 'no such container' >&2; exit 3\""
    stays = frozen_for(pid, "3s").replace(f"kill -CONT {pid}", "true")
    loads = (
        load(frozen_for(pid, "1s"), seconds=10),
        load(fails, seconds=6, benchmark="untouched", fault="refused"),
        load(stays, seconds=10, benchmark="stuck", fault="for ever"),
    )
    try:
        return command, command("run", profile(folder, *loads))
    finally:
        server.process.resume()


def test_a_server_that_froze_for_a_second_was_back_after_a_second(
    ran: tuple[CommandLine, Answer],
) -> None:
    command, answer = ran

    _, lasted_s, effect_s, recovery_s = story(command, answer, "frozen")
    assert 0.9 <= lasted_s < 3
    assert 0 <= effect_s <= 1
    assert figure(command, answer, "fault_slow", "frozen") >= 20
    # Back with the second, by buckets of half a second; what else the machine does from then on may
    # keep the load from being as steady as before for 3 s.
    is_back = recovery_s is not None
    assert figure(command, answer, "faults_unrecovered") == (0 if is_back else 1)
    if is_back:
        assert recovery_s >= 0.4
        assert figure(command, answer, "fault_recovery_s") == pytest.approx(recovery_s)
        assert command.passes_unless_held_up(answer.run_id, "shop"), answer.out
    assert "shop: fault frozen begins (3" in answer.err
    assert "FAULT" in answer.out
    report = (command.state / "reports" / answer.run_id / "report.html").read_text("utf-8")
    assert 'class="troubled"' in report
    assert "<h3>Faults</h3>" in report
    # It is not frozen any more: it answers the next load.
    answered = "select count(*) from samples where benchmark = 'untouched' and outcome = 'ok'"
    assert command.value(answered) > 0


def test_a_command_that_fails_is_no_fault_and_its_load_proves_nothing(
    ran: tuple[CommandLine, Answer],
) -> None:
    command, answer = ran

    statuses = command.sql("select distinct status from verdicts where benchmark = 'untouched'")
    assert statuses == [("INVALID",)]
    # The run has a server that stays frozen, too, which may be a FAIL.
    assert command.code_of(answer.run_id, "untouched") == 97
    assert "could not be injected: " in answer.out
    assert "ended with exit code 3, and said 'no such container'" in answer.out


def test_a_server_that_stays_frozen_fails(ran: tuple[CommandLine, Answer]) -> None:
    command, answer = ran

    assert answer.code == command.code_of(answer.run_id)
    assert answer.code in {97, 99}
    assert figure(command, answer, "faults_unrecovered", benchmark="stuck") == 1
    assert "after the fault for ever the target did not recover" in answer.out
    statuses = dict(
        command.sql("select metric, status from verdicts where benchmark = 'stuck'"),
    )
    assert statuses["faults_unrecovered"] in {"FAIL", "INVALID"}
    assert statuses["fault_recovery_s"] in {"NO_DATA", "INVALID"}


@pytest.mark.parametrize("is_killed", [False, True], ids=["ctrl-c", "kill -9"])
def test_a_fault_is_undone_whatever_ends_the_run(
    shop: Shop, tmp_path: Path, is_killed: bool
) -> None:
    at_work, command, pid = tmp_path / "at_work", command_of(shop, tmp_path), shop.process.pid
    stop = f"kill -STOP {pid}"
    # Still at work when the run ends: it must not have the last word.
    slow = f"{stop}; echo $$ > {at_work}; sleep 80; {stop}"
    keys = frozen_for(pid, "60s").replace(stop, slow)
    running = command.begin("run", profile(tmp_path, load(keys, seconds=100)))
    running.wait_for("fault frozen begins")
    wait_until(lambda: frozen(shop.process) and at_work.exists(), 10.0)

    if is_killed:
        running.kill()
    else:
        running.send(signal.SIGINT)
        assert running.answer().code == 105

    wait_until(lambda: not frozen(shop.process), 30.0)
    wait_until(lambda: not psutil.pid_exists(int(at_work.read_text())), 10.0)
    wait_until(lambda: not any((command.state / "faults").iterdir()), 30.0)
