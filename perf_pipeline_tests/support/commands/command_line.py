"""Run the installed command line in a process of its own, and look at what it left."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil
from click.testing import CliRunner

from perf_pipeline.cli.main import main
from perf_pipeline.loading.locks import LOCK_FOLDER_VARIABLE
from perf_pipeline.stack.ending import MARKER
from perf_pipeline_tests.support.commands.forked import ForkedProcess, forked
from perf_pipeline_tests.support.commands.short_profile import SHORT
from perf_pipeline_tests.support.commands.signals import signals_as_they_were
from perf_pipeline_tests.support.histories.queries import rows_in
from perf_pipeline_tests.support.loads.own_processes import command_lines

TINY: Final = Path(__file__).with_name("tiny.toml")
CREATION: Final = ("--only", "api_user_creation")
_COMMAND: Final = Path(sys.executable).with_name("perf-pipeline")
# So wide that no path below a test's own folder is broken over two lines.
_COLUMNS: Final = "300"


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what a command gave."""

    code: int
    out: str
    err: str
    took_s: float

    @property
    def run_id(self) -> str:
        """Find the id that the run told."""
        found = re.search(r"run (\d{8}-\d{6}-[0-9a-f]{6})", self.err + self.out)
        assert found is not None, self.err + self.out
        return found[1]


@dataclass(slots=True)
class Running:
    """Hold a command that still runs."""

    process: subprocess.Popen[str] | ForkedProcess
    log: Path
    began_s: float = field(default_factory=time.monotonic)

    @property
    def err(self) -> str:
        """Give its stderr so far."""
        return self.log.read_text(encoding="utf-8")

    def wait_for(self, text: str, timeout_s: float = 120.0) -> str:
        """Wait until its stderr says something; give all that it said.

        A whole stack starts in some seconds, and in half a minute where others are at work.
        """
        until_s = time.monotonic() + timeout_s
        while text not in self.err and self.process.poll() is None and time.monotonic() < until_s:
            time.sleep(0.05)
        assert text in self.err, f"{text!r} was not said in {timeout_s:g} s:\n{self.err}"
        return self.err

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as nobody can prevent."""
        self.process.kill()
        self.process.communicate()

    def answer(self, timeout_s: float = 150.0) -> Answer:
        """Wait for its end."""
        out, _ = self.process.communicate(timeout=timeout_s)
        return Answer(self.process.wait(), out, self.err, time.monotonic() - self.began_s)


_WORKER: Final = "perf_pipeline.engine.worker"
_STARTED: Final[list[Running]] = []


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Call the installed command line with a state folder of its own.

    Attributes:
        state: the folder.
        environment: beside this process's.
        prefix: a command that runs the command line, with another limit or elsewhere.
    """

    state: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()

    def __call__(self, *arguments: str, timeout_s: float = 150.0, **environment: str) -> Answer:
        """Run a command to its end."""
        return self.begin(*arguments, **environment).answer(timeout_s)

    def _words(self, arguments: Sequence[str]) -> list[str]:
        return [str(_COMMAND), "--state", str(self.state), *arguments]

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {**without_target(), "COLUMNS": _COLUMNS, **self.environment, **more}

    def here(self, *arguments: str, **environment: str) -> Answer:
        """Run a command that needs no process of its own in this one, which is much quicker.

        Not for a load, nor for what is told of secrets, streams and signals: those are a process's.
        """
        given = {**self.environment, "COLUMNS": _COLUMNS, **environment}
        hidden = dict.fromkeys(os.environ.keys() - without_target().keys())
        began_s = time.monotonic()
        with signals_as_they_were():
            done = CliRunner().invoke(
                main, ["--state", str(self.state), *arguments], env={**hidden, **given}
            )
        return Answer(done.exit_code, done.stdout, done.stderr, time.monotonic() - began_s)

    def start(self, *arguments: str, **environment: str) -> Running:
        """Start a command as people do, in an interpreter that has imported nothing yet."""
        log = self._new_log()
        with log.open("w", encoding="utf-8") as file:
            process = subprocess.Popen(
                [*self.prefix, *self._words(arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                env=self._environment(environment),
            )
        return _noted(Running(process, log))

    def begin(self, *arguments: str, **environment: str) -> Running:
        """Start a command that has imported what it needs, which takes it a second of CPU less.

        Not where something happens to a command while it starts, nor for what `ps` shows of it.
        """
        log, given = self._new_log(), self._environment(environment)
        process = None if self.prefix else forked(self._words(arguments), given, log)
        if process is None:
            return self.start(*arguments, **environment)
        return _noted(Running(process, log))

    def _new_log(self) -> Path:
        return self.state / f"stderr-{time.monotonic_ns()}.txt"

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the history."""
        return rows_in(self.state / "history.duckdb", statement)

    def value(self, statement: str) -> Any:
        """Ask for one value."""
        return self.sql(statement)[0][0]

    def code_of(self, run_id: str, benchmark: str = "") -> int:
        """Give the documented exit code of a run that went to its end, by what the history says.

        Or that of one benchmark by itself, whatever others give their run. On a busy machine a load
        may be INVALID, and then 97 is right. A first run cannot regress.
        """
        of_it = _of_run(run_id, benchmark)
        statuses = {row[0] for row in self.sql(f"select status from verdicts where {of_it}")}
        if "FAIL" in statuses:
            return 99
        valid = self.value(f"select bool_and(valid) from benchmarks where {of_it}")
        return 0 if valid and not statuses & {"NO_DATA", "INVALID"} else 97

    def passes_unless_held_up(self, run_id: str, benchmark: str = "") -> bool:
        """Say whether every verdict of a run, or of one benchmark, passes or is of an INVALID load.

        A machine with much else to do may hold a worker up; then no figure of its load can pass.
        """
        told = self._told(_of_run(run_id, benchmark))
        return bool(told) and told <= {("PASS", True), ("PASS", False), ("INVALID", False)}

    def fails_unless_held_up(self, run_id: str, benchmark: str) -> bool:
        """Say whether a verdict of a benchmark is a FAIL, or INVALID where the load was."""
        told = self._told(_of_run(run_id, benchmark))
        return bool(told & {("FAIL", True), ("FAIL", False), ("INVALID", False)})

    def _told(self, condition: str) -> set[tuple[str, bool]]:
        rows = self.sql(
            "select v.status, b.valid from verdicts v join benchmarks b using (run_id, benchmark) "
            f"where {condition}"
        )
        return {(str(status), bool(valid)) for status, valid in rows}

    def profile(self, seconds: float = 2.0, more: str = "") -> Path:
        """Write a profile with one short benchmark."""
        path = self.state / f"short-{time.monotonic_ns()}.toml"
        path.write_text(SHORT.format(seconds=seconds, more=more), encoding="utf-8")
        return path


def _noted(running: Running) -> Running:
    _STARTED.append(running)
    return running


def _of_run(run_id: str, benchmark: str) -> str:
    of_one = f" and benchmark = '{benchmark}'" if benchmark else ""
    return f"run_id = '{run_id}'{of_one}"


def without_target() -> dict[str, str]:
    """Give this environment without a target that somebody has configured.

    The suite's own lock stays, or a test would wait for the runs of other checkouts.
    """
    return {
        name: text
        for name, text in os.environ.items()
        if name == LOCK_FOLDER_VARIABLE or not name.startswith("PERF_")
    }


@contextmanager
def none_left_behind() -> Iterator[None]:
    """End the commands that the block has started and that still run when it is left.

    The run of a test that failed would hold up the runs of the tests after it.
    """
    before = len(_STARTED)
    try:
        yield
    finally:
        for running in _STARTED[before:]:
            if running.process.poll() is None:
                running.kill()
        del _STARTED[before:]


def wait_until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Wait until something holds; what takes long to find out is asked less often."""
    asked_s = time.monotonic()
    until_s = asked_s + timeout_s
    while not condition():
        answered_s = time.monotonic()
        assert answered_s < until_s, "it did not come true in time"
        time.sleep(min(max(0.05, 3 * (answered_s - asked_s)), 1.0))
        asked_s = time.monotonic()


def left_running(state: Path) -> list[str]:
    """Find processes of a stack below the folder, and load workers that write below it."""
    return list(_of(state))


def load_workers(driver_pid: int) -> list[psutil.Process]:
    """Find the load workers of a driver that runs, not what they are forked from."""
    with suppress(psutil.NoSuchProcess):
        return [
            child
            for child, words in command_lines(psutil.Process(driver_pid))
            if _WORKER in " ".join(words)
            and not (f"{_WORKER}_template" in words and _parent(child) == driver_pid)
        ]
    return []


def _parent(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return process.ppid()
    return 0


def is_alive(process: psutil.Process) -> bool:
    """Say whether it runs and is no zombie."""
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _of(state: Path) -> Iterator[str]:
    spool = f"{state}/spool"
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            stack = process.environ().get(MARKER)
            # Going through the files of every server that runs on this machine takes long.
            is_ours = (
                any(file.path.startswith(spool) for file in process.open_files())
                if stack is None
                else stack.startswith(str(state))
            )
            if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                yield " ".join(process.cmdline())
