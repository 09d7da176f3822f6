"""The driver's side of a worker on another host, which looks like a process of this machine.

A thread reads from the agent: the worker's output goes into a pipe, its spool into the files of the
run, and its clock is asked continually. Add here: another message of the agent. Keep out: how a
clock is asked (host_clock.py), placing workers on hosts (engines), and what a dead host means for a
load (engine/processes.py).
"""

import json
import os
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any, Final, cast

from perf_pipeline.config.executors.kinds import ArrivalRate
from perf_pipeline.config.executors.registry import EXECUTORS
from perf_pipeline.engine.distant import HostAccount
from perf_pipeline.engine.forked_worker import UNKNOWN_EXIT
from perf_pipeline.errors import GeneratorLimitError
from perf_pipeline.fleet.arriving import ArrivingSpool
from perf_pipeline.fleet.corrected_spool import Shifts
from perf_pipeline.fleet.driver_link import DriverLink
from perf_pipeline.fleet.frames import Frame, FrameKind
from perf_pipeline.fleet.host_clock import HostClock
from perf_pipeline.fleet.shipment import Shipment, hash_of
from perf_pipeline.fleet.worker_exit import read_exit
from perf_pipeline.fleet.worker_pipes import WorkerInput, write_all
from perf_pipeline.quoting import on_one_line

_ASK_EVERY_S: Final = 0.2
_PART_BYTES: Final = 256 * 1024
_ANSWER_LIMIT_S: Final = 60.0
_SILENT_LIMIT_S: Final = 5.0  # the time for a worker to exit after saying that it is done
_LONGEST_TOLD: Final = 300
_UNREADABLE: Final = (
    *(ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError),
)
"""What an answer that is not what it should be ends in."""


class DistantWorker:
    """Run a worker on another host; implements `engine.distant.DistantChild`.

    Args:
        host: the name of the host, for people.
        link: the link to its agent, which knows the driver.
        log: the descriptor for the worker's log; it is duplicated.

    Raises:
        GeneratorLimitError: the agent does not answer.
    """

    def __init__(self, host: str, link: DriverLink, log: int) -> None:
        self._host = host
        self._link = link
        self._log = os.dup(log)
        self.pid = 0
        self._code: int | None = None
        self._ended = threading.Event()
        self._spoke_s = time.monotonic()
        self._lost = ""
        self._account = HostAccount(host)
        self._spool: ArrivingSpool | None = None
        self._origin_ns, self._planned = 0, frozenset[str]()
        self._answers: SimpleQueue[Frame] = SimpleQueue()
        ours, self._output = os.pipe()
        self.stdout: IO[bytes] | None = os.fdopen(ours, "rb", 0)
        self.stdin: IO[bytes] | None = cast("IO[bytes]", WorkerInput(link))
        self._thread = threading.Thread(target=self._listen, name=f"fleet {host}", daemon=True)
        try:
            self._folder = json.loads(link.expected(FrameKind.HOST))["folder"]
            self._clock = HostClock(link)
        except (OSError, EOFError, *_UNREADABLE) as error:
            self._release()
            self.stdout.close()
            raise GeneratorLimitError(
                f"the host {host} started an agent that does not answer: {_told(error)}"
            ) from error
        self._thread.start()

    @property
    def host(self) -> str:
        """Return the name of its host."""
        return self._host

    # --- what its thread does ------------------------------------------------------------------

    def _listen(self) -> None:
        try:
            self._take_all()
        except (EOFError, ConnectionError):
            self._lost = self._lost or f"{self._host} closed the connection"
        except (OSError, struct.error, *_UNREADABLE) as error:
            self._lost = self._lost or f"{self._host}: {_told(error)}"
        finally:
            self._release()
            if self._code is None:  # whatever happened, not all measurements are here
                self._lost = self._lost or f"{self._host} sent what can't be read"
                self._code = UNKNOWN_EXIT
            self._ended.set()
            self._answers.put((FrameKind.EXIT, b""))

    def _release(self) -> None:
        """Close everything on this side, so that the reader of the worker's output sees its end."""
        os.close(self._output)
        os.close(self._log)
        if self._spool is not None:
            self._spool.close()
        self._link.close()

    def _take_all(self) -> None:
        asked_s = time.monotonic()
        while self._code is None:
            if time.monotonic() - asked_s >= _ASK_EVERY_S:
                asked_s = time.monotonic()
                self._clock.ask()
            if (frame := self._link.receive(_ASK_EVERY_S)) is not None:
                self._take(*frame)

    def _take(self, kind: FrameKind, payload: bytes) -> None:
        if kind is not FrameKind.PONG:
            self._spoke_s = time.monotonic()
        match kind:
            case FrameKind.PONG:
                self._clock.take(payload)
            case FrameKind.OUTPUT:
                write_all(self._output, payload)
            case FrameKind.LOG:
                write_all(self._log, payload)
            case FrameKind.CHUNK | FrameKind.SUMS if self._spool is not None:
                self._take_spool(self._spool, kind, payload)
            case FrameKind.EXIT:
                self._take_exit(payload)
            case FrameKind.REFUSED:
                raise ValueError(on_one_line(payload.decode(errors="replace"), _LONGEST_TOLD))
            case FrameKind.LACKS | FrameKind.STARTED:
                self._answers.put((kind, payload))
            case _:
                raise ValueError(f"an agent sends no {kind.name}")

    def _take_spool(self, spool: ArrivingSpool, kind: FrameKind, payload: bytes) -> None:
        if kind is FrameKind.CHUNK:
            spool.take(payload)
        elif missing := spool.missing(payload):
            raise ValueError(f"its {', '.join(missing)} did not arrive whole")

    def _take_exit(self, payload: bytes) -> None:
        """Ask for the time once more, and take the host's account of the load."""
        self._clock.ask_again()
        self._account, self._code = read_exit(self._host, payload)

    # --- what a driver of a load does ----------------------------------------------------------

    def fit(self, order: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send the files to the host, start the worker, and return the order as it is there.

        Raises:
            ScenarioError: a file can't go to a host.
            GeneratorLimitError: the host can't take the files or start the worker.
        """
        shipment = Shipment()
        job = shipment.fitted(order["job"], self._folder)
        self._spool = ArrivingSpool(Path(order["job"]["folder"]), job["step"], order["worker"])
        self._origin_ns, self._planned = order["origin_ns"], _planned_scenarios(job)
        try:
            self._ship(shipment)
            self._link.send(FrameKind.START)
            self.pid = json.loads(self._answer(FrameKind.STARTED))["pid"]
        except (OSError, *_UNREADABLE) as error:
            raise GeneratorLimitError(
                f"the host {self._host} could not start a worker: {self._lost or _told(error)}"
            ) from error
        return {
            **order,
            "job": job,
            "origin_ns": order["origin_ns"] + self._clock.track.first.offset_ns,
        }

    def _ship(self, shipment: Shipment) -> None:
        hashes = {place: hash_of(path) for place, path in shipment.files.items()}
        self._link.send_json(FrameKind.FILES, hashes)
        paths = {text: shipment.files[place] for place, text in hashes.items()}
        for text in json.loads(self._answer(FrameKind.LACKS)):
            with paths[text].open("rb") as file:
                while data := file.read(_PART_BYTES):
                    self._link.send(FrameKind.PART, text.encode() + data)
            self._link.send(FrameKind.PART, text.encode())

    def _answer(self, kind: FrameKind) -> bytes:
        try:
            found, payload = self._answers.get(timeout=_ANSWER_LIMIT_S)
        except Empty:
            raise TimeoutError(f"no answer within {_ANSWER_LIMIT_S:.0f} s") from None
        if found is not kind:
            raise ConnectionResetError("the connection ended")
        return payload

    def begin(self) -> None:
        """Restart the account of the host and of its clock, because the load begins now."""
        self._clock.track.restart(time.monotonic_ns())
        with suppress(OSError):  # a lost worker is noticed by the end of its output
            self._link.send(FrameKind.BEGIN)

    def settle(self) -> None:
        """Wait until everything that the worker measured is here, or is known to be lost.

        Arriving data may take any time; a host that is silent for 10 s is lost. A worker that is
        done but does not exit is ended, as on one machine. Then its times are converted to the
        driver's.
        """
        self._await_end()
        course = self._clock.course()
        if self._lost or course.is_straight or self._spool is None:
            return
        try:
            self._spool.correct(Shifts.of(course, self._origin_ns), self._planned)
        except (OSError, *_UNREADABLE) as error:
            self._lost = f"the times of {self._host} can't be corrected: {_told(error)}"

    def _await_end(self) -> None:
        for sig in (signal.SIGTERM, signal.SIGKILL):
            if self._ends_before_silence():
                return
            with suppress(OSError):
                self._link.send(FrameKind.SIGNAL, b"%d" % sig)
            self._spoke_s = time.monotonic()
        if not self._ends_before_silence():
            self._link.close()
        self._ended.wait()

    def _ends_before_silence(self) -> bool:
        while (left_s := self._spoke_s + _SILENT_LIMIT_S - time.monotonic()) > 0:
            if self._ended.wait(left_s):
                return True
        return self._ended.is_set()

    def account(self) -> HostAccount:
        """Return what is known about its host so far."""
        known = self._account
        course = self._clock.course()
        return replace(
            known,
            clock_error_ms=course.error_ns / 1e6,
            clock_behind_ms=course.behind_ns / 1e6,
            clock_moved_ms=course.moved_ns / 1e6,
            away_s=self._link.away_s,
            incident=self._lost,
        )

    def poll(self) -> int | None:
        """Return the worker's exit code; None while it runs, or its spool is still coming."""
        return self._code if self._ended.is_set() else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its exit code. Raises: subprocess.TimeoutExpired."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired("worker", timeout or 0.0)
        assert self._code is not None
        return self._code

    def send_signal(self, sig: int) -> None:
        """Send a signal; SIGKILL also ends the connection, so that nobody waits for the host."""
        with suppress(OSError):
            self._link.send(FrameKind.SIGNAL, b"%d" % sig)
        if sig == signal.SIGKILL:
            self._end_connection()

    def close(self) -> None:
        """End the connection, and with it the worker if it is still running."""
        self._end_connection()
        self._thread.join()

    def _end_connection(self) -> None:
        assert self.stdout is not None
        self._link.close()
        self.stdout.close()  # the thread may be waiting for a reader


def _planned_scenarios(job: Mapping[str, Any]) -> frozenset[str]:
    """Return the scenarios whose iterations start at planned times."""
    return frozenset(
        scenario["name"]
        for scenario in job["scenarios"]
        if issubclass(EXECUTORS[scenario["executor"]["executor"]], ArrivalRate)
    )


def _told(error: Exception) -> str:
    text = str(error) or "the connection ended"
    return on_one_line(text, _LONGEST_TOLD)
