"""Commands of tests are forked, and are told from those of a new interpreter by nothing else."""

import signal
import subprocess
from pathlib import Path

import pytest

from perf_pipeline import __version__
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.commands.forked import ForkedProcess
from perf_pipeline_tests.support.places import new_state


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    return CommandLine(new_state(tmp_path / "state"))


def test_a_forked_command_has_its_own_words_streams_and_exit_code(command: CommandLine) -> None:
    good, bad = command.begin("--version"), command.begin("rum")  # at the same time

    assert isinstance(good.process, ForkedProcess)
    answer, refusal = good.answer(), bad.answer()
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == f"perf-pipeline, version {__version__}\n"
    assert (refusal.code, refusal.out) == (104, "")
    assert "No such command 'rum'" in refusal.err


def test_a_forked_command_has_the_environment_that_it_is_given_and_no_other(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, listed = command("list", PERF_STATE_ACCESS="odd"), command("list")
    monkeypatch.setenv("LC_ALL", "C")  # an interpreter reads it as it starts
    started = command.begin("--version")

    assert refused.code == 104
    assert "PERF_STATE_ACCESS is 'odd'" in refused.err
    assert "there is no run in " in listed.err
    assert isinstance(started.process, subprocess.Popen)
    assert started.answer().code == 0


def test_a_forked_command_gets_signals_and_is_waited_for(command: CommandLine) -> None:
    profile = command.profile(30.0)
    running = command.begin("run", "--profile", str(profile), PERF_BASE_URL="http://127.0.0.1:9")
    with pytest.raises(TimeoutError, match="still runs after 0 s"):
        running.process.wait(0.0)
    assert running.process.poll() is None

    running.kill()

    assert running.process.poll() == -signal.SIGKILL
    assert command("--version").code == 0
