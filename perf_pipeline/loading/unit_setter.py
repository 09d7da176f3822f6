"""Set the number of a system's units, and restore the usual number whatever happens.

A command of the user sets the number, or this run does so in its own stack.

The undo is written to disk before the first command, as for a fault (fault_driver.py): if the run
is killed, a guard process survives it and restores the number; after a power cut, the next run
does.
Add here: another way to set a number of units. Keep out: measuring at each number
(runs/scaling.py).
"""

from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from perf_pipeline.config.scaling import ScalingConfig
from perf_pipeline.errors import StackError
from perf_pipeline.loading.fault_driver import FOLDER
from perf_pipeline.loading.scaled_parts import usual_units
from perf_pipeline.loading.session import Session
from perf_pipeline.stack.ending import dispose
from perf_pipeline.stack.own_command import run_command
from perf_pipeline.stack.resizing import resize
from perf_pipeline.stack.service import own_folder
from perf_pipeline.stack.undoing import Pending, Undo, perform
from perf_pipeline.units import US_PER_S

_LOG: Final = "units.log"


class UnitSetter:
    """Set numbers of units until the block is left; then restore the usual number.

    Args:
        session: the session of the run.
        benchmark: the benchmark that scales.
        wanted: the configuration of its units.

    Attributes:
        problem: a sentence on why the usual number could not be restored; empty if it was.
    """

    def __init__(self, session: Session, benchmark: str, wanted: ScalingConfig) -> None:
        self._session = session
        self._wanted = wanted
        self._folder = session.state.folder.absolute() / FOLDER / session.run_id
        self._limit_s = wanted.time_limit_us / US_PER_S
        self._usual = usual_units(session.profile, wanted)
        self._undo = self._undo_of(benchmark)
        self._pending: Pending | None = None
        self.problem = ""

    def __enter__(self) -> Self:
        return self

    def set(self, units: int) -> str:
        """Set a number of units; if that fails, return the reason as a sentence.

        Restoring the usual number is recorded first, so that it happens in any case.
        """
        if self._pending is None:
            own_folder(self._folder, needs_secrets=True)
            self._pending = Pending(self._folder)
            self._pending.add(self._undo)
        self._session.say(f"setting the number of units to {units} ...")
        if self._wanted.part is not None:
            return self._resized(self._wanted.part, units)
        command = self._wanted.command(units)
        log = self._folder / "logs" / _LOG
        trouble = run_command(
            command, self._limit_s, log, self._session.stop, on_start=self._note_running
        )
        return (
            "" if trouble is None else f"the number of units is not {units}: {command!r} {trouble}"
        )

    def _undo_of(self, benchmark: str) -> Undo:
        """Say how the usual number is restored."""
        part, stack = self._wanted.part, self._session.stack
        undo = Undo(benchmark, "command", limit_s=self._limit_s, what="scaling run")
        if part is None:
            return replace(undo, command=self._wanted.command(self._usual))
        folder = "" if stack is None else str(stack.folder)
        return replace(undo, kind="resize", stack=folder, part=part, number=self._usual)

    def _resized(self, part: str, units: int) -> str:
        """Set a number in the stack of this run; if that fails, return the reason."""
        stack, stop = self._session.stack, self._session.stop
        assert stack is not None  # loading/scaled_parts.py refuses a run without a stack
        try:
            resize(stack, part, units, timeout_s=self._limit_s, stop=stop)
        except (StackError, OSError) as error:
            what = error.sentence if isinstance(error, StackError) else str(error)
            return f"the number of units ({part}) is not {units}: {what}"
        return ""

    def _note_running(self, pid: int) -> None:
        """Record the running command, so that it can't outlive the run and set its number later."""
        assert self._pending is not None
        self._pending.add_running(self._undo, pid)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Restore the usual number; if that fails, the next run tries again."""
        if self._pending is None:
            return
        trouble = perform(self._undo, self._folder)
        if trouble is None:
            self._pending.remove(self._undo)
            self._session.say(f"the number of units is {self._usual} again, as usual")
        else:
            self.problem = (
                f"the usual number of units, {self._usual}, could not be set again: "
                f"{trouble}; the next run tries it once more, or set it by hand and remove "
                f"{self._folder}"
            )
            self._session.say(self.problem)
        if self._pending.is_empty:
            dispose(self._folder)
