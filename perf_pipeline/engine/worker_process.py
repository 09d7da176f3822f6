"""The driver's view of a worker process: start it, talk to it, and make sure that it ends.

Add here: another message of the worker. Keep out: what all workers together mean (processes.py).
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from perf_pipeline import errors
from perf_pipeline.engine.distant import DistantChild, HostAccount
from perf_pipeline.engine.job import ScenarioOutcome
from perf_pipeline.engine.progress import PartProgress
from perf_pipeline.engine.vitals import Vitals, vitals_from_json, with_clock_error
from perf_pipeline.engine.worker_start import StartWorker, start_interpreter
from perf_pipeline.errors import PerfPipelineError

_CHUNK_BYTES: Final = 65_536
_EXIT_LIMIT_S: Final = 3.0
_TERM_LIMIT_S: Final = 2.0


class WorkerProcess:
    """Run a worker, and remember what it said last.

    Attributes:
        number: number of the worker, from 0.
        name: its name in messages, with the host if that is not this machine.
        log: the file for its stderr, and for the stdout of modules that it imports.
        ready: whether its workloads are open.
        is_over: whether it has sent its last message, or its pipe has ended.
        done: its report; None before the end, and afterwards if it died.
        trouble: its refusal or crash; None if there was none.
        parts: the newest counts of each of its scenarios.
    """

    def __init__(
        self,
        number: int,
        folder: Path,
        order: Mapping[str, Any],
        descriptors: Sequence[int] = (),
        *,
        start: StartWorker = start_interpreter,
    ) -> None:
        self.number = number
        self.log = folder / f"worker-{number}.log"
        self.ready = False
        self.is_over = False
        self.done: dict[str, Any] | None = None
        self.trouble: dict[str, Any] | None = None
        self.parts: dict[str, PartProgress] = {}
        self._rest = b""
        with self.log.open("ab") as log:
            self._process = start(log.fileno(), descriptors)
        child = self._process
        self._distant = child if isinstance(child, DistantChild) else None
        self.name = f"worker {number}"
        if self._distant is not None:
            self.name += f" on {self._distant.host}"
            order = self._distant.fit(order)
        self.tell(order)

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def fileno(self) -> int:
        """Return the descriptor to wait on for the next message."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send a message; if the worker is dead, this is noticed when its answers are read."""
        assert self._process.stdin is not None
        line = memoryview(json.dumps(message).encode() + b"\n")
        with contextlib.suppress(BrokenPipeError):
            while line:
                line = line[self._process.stdin.write(line) or 0 :]

    def begin(self, at_us: int) -> None:
        """Let its load start at a moment, in µs from the origin."""
        if self._distant is not None:
            self._distant.begin()
        self.tell({"do": "start", "at_us": at_us})

    def take(self) -> None:
        """Read what has arrived; call this when `fileno` is readable."""
        chunk = os.read(self.fileno(), _CHUNK_BYTES)
        if not chunk:
            self.is_over = True
            return
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._note(json.loads(line))

    def _note(self, message: dict[str, Any]) -> None:
        match message["say"]:
            case "ready":
                self.ready = True
            case "progress":
                self._note_parts(message)
            case "done":
                self._note_parts(message)
                self.done = message
                self.is_over = True
            case _:  # refused, crashed
                self.trouble = message
                self.is_over = True

    def _note_parts(self, message: dict[str, Any]) -> None:
        self.parts = {part["name"]: PartProgress(**part) for part in message["parts"]}

    def outcomes(self) -> list[ScenarioOutcome]:
        """Return its share of each scenario's outcome; empty if it died before its report."""
        if self.done is None:
            return []
        return [ScenarioOutcome(**outcome) for outcome in self.done["scenarios"]]

    def vitals(self) -> Vitals | None:
        """Return what the worker measured about itself; None if it died before its report."""
        if self.done is None:
            return None
        vitals = replace(vitals_from_json(self.done["vitals"]), log=str(self.log))
        account = self.account()
        return vitals if account is None else with_clock_error(vitals, account.maybe_late_ms)

    def settle(self) -> None:
        """Wait until everything it measured is on this machine, or is known to be lost."""
        if self._distant is not None:
            self._distant.settle()

    def account(self) -> HostAccount | None:
        """Return what is known about its host; None if that is this machine."""
        return None if self._distant is None else self._distant.account()

    def how_it_ended(self) -> str:
        """Say in words how the process ended, after waiting a moment for its end."""
        try:
            code = self._process.wait(_EXIT_LIMIT_S)
        except subprocess.TimeoutExpired:
            return "still running"
        account = self.account()
        if account is not None and account.incident:
            return account.incident
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def terminate(self) -> None:
        """Ask the system to end the process."""
        self._process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """End the process for certain (EOF, TERM, KILL) and remove an empty log."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        if not self._ended_within(_EXIT_LIMIT_S if self.is_over else 0.0):
            self._process.send_signal(signal.SIGTERM)
            if not self._ended_within(_TERM_LIMIT_S):
                self._process.send_signal(signal.SIGKILL)
                self._process.wait()
        self._process.stdout.close()
        if self.log.exists() and not self.log.stat().st_size:
            self.log.unlink()

    def _ended_within(self, limit_s: float) -> bool:
        until_s = time.monotonic() + limit_s
        while self._process.poll() is None:
            if time.monotonic() >= until_s:
                return False
            time.sleep(0.01)
        return True


def trouble_of(worker: WorkerProcess) -> Exception:
    """Return the error that a worker reported; our own errors are those that the worker raised."""
    trouble = worker.trouble
    assert trouble is not None
    if trouble["say"] == "crashed":
        return RuntimeError(
            f"{worker.name} failed: {trouble['sentence']}; read its log {worker.log}"
        )
    kind = getattr(errors, trouble["error"], PerfPipelineError)
    error: PerfPipelineError = kind.__new__(kind)
    where = f"the traceback is in {worker.log}" if kind is errors.ScenarioError else ""
    PerfPipelineError.__init__(error, trouble["sentence"], hint=trouble["hint"] or where)
    return error
