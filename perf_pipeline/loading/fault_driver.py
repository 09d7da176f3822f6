"""Break what a profile names while its load runs, and repair it whatever happens.

The undo of a fault is written to disk before the fault begins. If the run is killed, a guard
process survives it and undoes the fault (stack/guard.py); after a power cut, the next run does.
Add here: another kind of fault of a part. Keep out: faults that a connection of this process holds
(held_faults.py), and effects on the load (fault_figures.py).
"""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from perf_pipeline.config.faults import Fault, fault_names
from perf_pipeline.errors import PerfPipelineError, StackError, TargetUnavailableError
from perf_pipeline.loading.held_faults import HeldFault, hold
from perf_pipeline.loading.leader_faults import LeaderFaults
from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.faults import FaultRecord
from perf_pipeline.stack.ending import dispose
from perf_pipeline.stack.own_command import run_command
from perf_pipeline.stack.part_faults import (
    fill_disk_of,
    kill_part,
    pause,
    processes_of,
    require_part,
    stop_part,
)
from perf_pipeline.stack.service import own_folder
from perf_pipeline.stack.undoing import Pending, Undo, perform
from perf_pipeline.units import US_PER_S

FOLDER: Final = "faults"
_REVIVED_WITHIN_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class _Planned:
    """Hold a fault with its place and its name."""

    position: int
    name: str
    fault: Fault


class FaultDriver:
    """Break things in separate threads until the block is left; then everything is repaired.

    Args:
        session: the session of the run.
        benchmark: the benchmark with the faults.
        origin_ns: the origin, in `time.monotonic_ns`, of the benchmark.

    Attributes:
        has_begun: whether a fault was injected.
        limits: why a fault was not as the profile says, in one sentence each.
    """

    def __init__(self, session: Session, benchmark: str, origin_ns: int) -> None:
        faults = session.profile.benchmarks[benchmark].faults
        self._session = session
        self._origin_ns = origin_ns
        self._planned = [
            _Planned(position, name, fault)
            for position, (name, fault) in enumerate(zip(fault_names(faults), faults, strict=True))
        ]
        self._brokers = LeaderFaults(session, benchmark)
        self._folder = session.state.folder.absolute() / FOLDER / session.run_id
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._records: list[FaultRecord] = []
        self._told: list[str] = []
        self._held: dict[str, HeldFault] = {}
        self.has_begun = False
        self.limits: list[str] = []

    def __enter__(self) -> Self:
        """Start the guard.

        Raises:
            TargetUnavailableError: a part that a fault should hit does not run, or no other broker
                could lead a topic.
        """
        if not self._planned:
            return self
        try:
            for part in {planned.fault.part for planned in self._planned} - {None}:
                require_part(self._stack_folder(), str(part))
            self._brokers.require_other_leaders(planned.fault for planned in self._planned)
        except StackError as error:
            raise TargetUnavailableError(error.sentence, hint=error.hint) from error
        own_folder(self._folder, needs_secrets=True)
        self._pending = Pending(self._folder)
        return self

    def begin(self, load_begins_ns: int) -> None:
        """Count the time of each fault from here.

        Args:
            load_begins_ns: the time.monotonic_ns() of the load's begin.
        """
        for planned in self._planned:
            due_ns = load_begins_ns + planned.fault.at_us * 1_000
            thread = threading.Thread(
                target=self._run, args=(planned, due_ns), name=f"fault {planned.name}"
            )
            self._threads.append(thread)
            thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Undo lasting faults, and end the guard; the next run undoes what could not be undone."""
        if not self._planned:
            return
        self._over.set()
        for thread in self._threads:
            thread.join()
        if not (is_whole := self._pending.is_empty):
            self.limits.append(f"{self._folder} holds what is still to be undone")
        for planned in self._planned:
            if planned.position not in {record.position for record in self._records}:
                self.limits.append(f"the load ended before the fault {planned.name} began")
        if is_whole:
            dispose(self._folder)

    @property
    def records(self) -> list[FaultRecord]:
        """Return the faults that were injected, in the order of their begin."""
        with self._lock:
            return sorted(self._records, key=lambda record: record.injected_us)

    def heard(self) -> list[str]:
        """Return the messages since the last call."""
        with self._lock:
            told, self._told = self._told, []
            return told

    def _run(self, planned: _Planned, due_ns: int) -> None:
        if self._over.wait(max(0.0, (due_ns - time.monotonic_ns()) / 1e9)):
            return
        self.has_begun = True
        injected_us = self._now_us()
        self._tell(f"fault {planned.name} begins", injected_us)
        undo, problem = None, None
        try:
            only = self._brokers.hit_by(planned.fault)
            undo = self._undo_of(planned, only)
            if undo is not None:
                self._pending.add(undo)
            problem = self._inject(planned, undo, only)
            if problem is None:
                self._over.wait(planned.fault.for_us / US_PER_S)
        except (OSError, PerfPipelineError) as error:
            problem = str(error)
        undo_us = self._now_us()
        if problem is not None:
            self.limits.append(f"the fault {planned.name} could not be injected: {problem}")
        if undo is not None:
            self._undo(planned, undo)
        if (held := self._held.pop(planned.name, None)) is not None:
            held.release()
            self._tell(f"fault {planned.name} is undone", self._now_us())
        record = FaultRecord(
            planned.position, planned.name, planned.fault.kind, planned.fault.what,
            injected_us, undo_us, self._now_us(),
        )  # fmt: skip
        with self._lock:
            self._records.append(record)

    def _undo(self, planned: _Planned, undo: Undo) -> None:
        began_us = self._now_us()
        if (problem := perform(undo, self._folder, self._session.stack)) is not None:
            sentence = f"the fault {planned.name} could not be undone: {problem}"
            self.limits.append(sentence)
            self._tell(sentence, began_us)
            return
        self._pending.remove(undo)
        if undo.kind == "lead":
            self._brokers.are_back(undo)
        self._tell(f"fault {planned.name} is undone", self._now_us())

    def _undo_of(self, planned: _Planned, only: str) -> Undo | None:
        """Say how a fault will be undone; None if nothing needs to be undone in any case."""
        fault, limit_s = planned.fault, planned.fault.time_limit_us / US_PER_S
        if fault.kind == "leader_change":
            return self._brokers.way_back(planned.name, fault)
        if fault.part is None:
            if not fault.undo:
                return None
            return Undo(planned.name, "command", command=fault.undo, limit_s=limit_s)
        folder = self._stack_folder()
        if fault.kind == "pause":
            return Undo(planned.name, "resume", processes=processes_of(folder, fault.part, only))
        limit_s = max(limit_s, _REVIVED_WITHIN_S)
        kind: Final = "make_room" if fault.kind == "full_disk" else "revive"
        return Undo(planned.name, kind, limit_s=limit_s, stack=str(folder), part=fault.part)

    def _inject(self, planned: _Planned, undo: Undo | None, only: str) -> str | None:
        fault = planned.fault
        match fault.kind:
            case "command":
                return self._run_command(planned, undo)
            case "pause":
                pause(undo.processes if undo is not None else ())
            case "kill":
                kill_part(self._stack_folder(), str(fault.part), only)
            case "stop" | "restart":
                stop_part(self._stack_folder(), str(fault.part), only)
            case "leader_change" if undo is not None:
                self._brokers.change_leaders(fault, undo, self._over.is_set)
            case "full_disk":
                fill_disk_of(self._stack_folder(), str(fault.part), only)
            case _:
                if (held := hold(self._session, fault, self._over.is_set)) is not None:
                    self._held[planned.name] = held
        return None

    def _run_command(self, planned: _Planned, undo: Undo | None) -> str | None:
        """Run a command of a fault; its undo first ends the other command if that still runs."""
        fault = planned.fault

        def note(pid: int) -> None:
            if undo is not None:
                self._pending.add_running(undo, pid)

        log = self._folder / "logs" / f"{planned.position}.log"
        limit_s = fault.time_limit_us / US_PER_S
        trouble = run_command(fault.run, limit_s, log, self._over, on_start=note)
        return None if trouble is None else f"{fault.run!r} {trouble}"

    def _stack_folder(self) -> Path:
        stack = self._session.stack
        return self._folder if stack is None else stack.folder  # if no part runs

    def _now_us(self) -> int:
        return (time.monotonic_ns() - self._origin_ns) // 1_000

    def _tell(self, what: str, at_us: int) -> None:
        with self._lock:
            self._told.append(f"{what} ({at_us / US_PER_S:.1f} s)")
