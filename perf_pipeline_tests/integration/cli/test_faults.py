"""Faults of a load: a server of somebody's own is frozen and goes on, whatever ends the run."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from perf_pipeline.stack.embedded import find_running
from perf_pipeline_tests.support.commands.command_line import Answer, CommandLine, wait_until
from perf_pipeline_tests.support.commands.up import Up
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
[benchmarks.shop]
faults = [{{ name = "frozen", at = "3s", kind = "command", {keys} }}]
[benchmarks.shop.scenarios.look]
exec = "http_steps"
executor = "constant-arrival-rate"
rate = 40
duration = "{seconds}s"
preAllocatedVUs = 150
gracefulStop = "2s"
[[benchmarks.shop.scenarios.look.parameters.steps]]
name = "look"
path = "/x"
[benchmarks.shop.thresholds]
fault_recovery_s = ["value<8"]
"""
SYSTEM = """
extends = "quick"
name = "faulty"
workers = 1
calibration = false
[benchmarks.end_to_end]
drainTimeout = "60s"
faults = [
    { at = "4s", kind = "pause", part = "api", for = "1s" },
    { at = "9s", kind = "kill", part = "worker", for = "1s" },
]
[benchmarks.end_to_end.scenarios.create_users]
rate = 20
duration = "22s"
warmUp = "1s"
"""


@contextmanager
def server() -> Iterator[tuple[str, psutil.Process]]:
    """Serve in a process of its own, which can be frozen; give its address and the process."""
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), psutil.Process(process.pid)
    finally:
        process.kill()
        process.communicate()


def frozen(process: psutil.Process) -> bool:
    return bool(process.status() == psutil.STATUS_STOPPED)


def shop(folder: Path, pid: int, *, seconds: int, lasts: str) -> Path:
    path = folder / "faulty.toml"
    keys = f'run = "kill -STOP {pid}", undo = "kill -CONT {pid}", for = "{lasts}"'
    path.write_text(PROFILE.format(keys=keys, seconds=seconds), encoding="utf-8")
    return path


def story(command: CommandLine, answer: Answer, fault: str) -> tuple[Any, ...]:
    return command.sql(
        "select injected_us / 1e6, (undo_us - injected_us) / 1e6, "
        "(effect_us - injected_us) / 1e6, (recovered_us - injected_us) / 1e6 from faults "
        f"where run_id = '{answer.run_id}' and fault = '{fault}'"
    )[0]


def figure(command: CommandLine, answer: Answer, name: str, fault: str = "") -> Any:
    return command.value(
        f"select value from figures where run_id = '{answer.run_id}' and name = '{name}' "
        f"and operation = '{fault}'"
    )


def test_a_server_that_froze_for_a_second_was_back_after_a_second(tmp_path: Path) -> None:
    with server() as (base_url, process):
        command = CommandLine(new_state(tmp_path / "state"), {"PERF_BASE_URL": base_url})
        profile = shop(tmp_path, process.pid, seconds=12, lasts="1s")

        answer = command("run", str(profile))

        assert not frozen(process)
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
        assert command.passes_unless_held_up(answer.run_id), answer.out
    assert "shop: fault frozen begins (3" in answer.err
    assert "FAULT" in answer.out
    report = (command.state / "reports" / answer.run_id / "report.html").read_text("utf-8")
    assert 'class="troubled"' in report
    assert "<h3>Faults</h3>" in report


def test_a_server_that_stays_frozen_fails_and_goes_on_after_the_run(tmp_path: Path) -> None:
    with server() as (base_url, process):
        command = CommandLine(new_state(tmp_path / "state"), {"PERF_BASE_URL": base_url})
        profile = shop(tmp_path, process.pid, seconds=12, lasts="3s")
        text = profile.read_text("utf-8").replace(f"kill -CONT {process.pid}", "true")
        profile.write_text(text, encoding="utf-8")

        answer = command("run", str(profile), timeout_s=120.0)

        process.resume()
    assert answer.code in {97, 99}
    assert figure(command, answer, "faults_unrecovered") == 1
    assert "after the fault frozen the target did not recover" in answer.out
    statuses = dict(
        command.sql(f"select metric, status from verdicts where run_id = '{answer.run_id}'")
    )
    assert statuses["faults_unrecovered"] in {"FAIL", "INVALID"}
    assert statuses["fault_recovery_s"] in {"NO_DATA", "INVALID"}


@pytest.mark.parametrize("is_killed", [False, True], ids=["ctrl-c", "kill -9"])
def test_a_fault_is_undone_whatever_ends_the_run(tmp_path: Path, is_killed: bool) -> None:
    at_work = tmp_path / "at_work"
    with server() as (base_url, process):
        command = CommandLine(new_state(tmp_path / "state"), {"PERF_BASE_URL": base_url})
        profile = shop(tmp_path, process.pid, seconds=100, lasts="60s")
        stop = f"kill -STOP {process.pid}"
        # Still at work when the run ends: it must not have the last word.
        slow = f"{stop}; echo $$ > {at_work}; sleep 80; {stop}"
        profile.write_text(profile.read_text("utf-8").replace(stop, slow), encoding="utf-8")
        running = command.begin("run", str(profile))
        running.wait_for("fault frozen begins")
        wait_until(lambda: frozen(process) and at_work.exists(), 10.0)

        if is_killed:
            running.kill()
        else:
            running.send(signal.SIGINT)
            assert running.answer().code == 105

        wait_until(lambda: not frozen(process), 30.0)
    wait_until(lambda: not psutil.pid_exists(int(at_work.read_text())), 10.0)
    wait_until(lambda: not any((command.state / "faults").iterdir()), 30.0)


def test_a_command_that_fails_is_no_fault_and_its_load_proves_nothing(tmp_path: Path) -> None:
    with server() as (base_url, _):
        command = CommandLine(new_state(tmp_path / "state"), {"PERF_BASE_URL": base_url})
        profile = tmp_path / "faulty.toml"
        keys = "run = \"echo 'no such container' >&2; exit 3\""
        profile.write_text(PROFILE.format(keys=keys, seconds=7), encoding="utf-8")

        answer = command("run", str(profile))

    assert answer.code == 97
    assert "could not be injected: " in answer.out
    assert "ended with exit code 3, and said 'no such container'" in answer.out


def test_the_reference_system_loses_nothing_when_its_parts_are_frozen_and_killed(up: Up) -> None:
    profile = up.command.state / "system.toml"
    profile.write_text(SYSTEM, encoding="utf-8")

    answer = up.command("run", str(profile), "--only", "end_to_end")

    paused, killed = (story(up.command, answer, fault) for fault in ("pause api", "kill worker"))
    # Each is undone after a second, by a machine that may have much else to do.
    assert 0.9 <= paused[1] < 20
    assert 0.9 <= killed[1] < 20
    assert paused[3] is None or paused[3] >= 0.4
    # It is started after a second, and is back at once on an idle machine, to half a second.
    assert killed[3] is None or killed[3] >= 0.4
    assert figure(up.command, answer, "messages_lost") == 0
    if "so nobody can tell what it changed" not in answer.out:
        assert figure(up.command, answer, "fault_messages_lost") == 0
        assert figure(up.command, answer, "fault_backlog_peak", "kill worker") >= 15
    wait_until(lambda: has_one(up, "worker"), 30.0)


def has_one(up: Up, part: str) -> bool:
    """Say whether the stack is whole again, with one process of a part."""
    return find_running(up.command.state) is not None and len(up.pids(part)) == 1
