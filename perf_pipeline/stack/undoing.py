"""Keep the undo of a fault: it is written down before the fault begins, and done whatever happens.

A run undoes its faults itself. If it is killed, its guard runs this module; if that is gone as
well, the next run does. So an undo may be done twice.
Add here: another way to repair something. Keep out: faults (loading/fault_driver.py).
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.narration import Say
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.stack.condition import read_stack
from perf_pipeline.stack.ending import dispose
from perf_pipeline.stack.kafka_election import lead_as_before
from perf_pipeline.stack.kafka_leaders import TopicLeaders
from perf_pipeline.stack.own_command import run_command
from perf_pipeline.stack.part_faults import Marked, resume
from perf_pipeline.stack.parts import Stack
from perf_pipeline.stack.process_register import birth_mark, is_alive, read_register, start_mark
from perf_pipeline.stack.resizing import resize
from perf_pipeline.stack.revival import make_room, revive

PENDING: Final = "pending.json"
_LOG: Final = "undo.log"


@dataclass(frozen=True, slots=True)
class Undo:
    """Say how a fault is undone.

    Attributes:
        fault: its name.
        kind: `command` runs one, `resume` lets processes go on, `revive` starts a part again,
            `make_room` empties its disk, `resize` gives one as many processes or partitions as
            usual, `lead` lets the brokers lead a topic that led it before.
        command: given to `sh -c`.
        limit_s: how long it may take.
        processes: that were paused; for `command` sessions that still do what it undoes.
        stack: folder of the stack that the part belongs to.
        part: its name.
        number: the number of its processes or partitions, for `resize`.
        brokers: that a topic is on, with the settings that they ask for; those of the stack where
            empty.
        before: who led the topic, as `TopicLeaders` writes it.
        what: is undone, in sentences.
    """

    fault: str
    kind: Literal["command", "resume", "revive", "make_room", "resize", "lead"]
    command: str = ""
    limit_s: float = 60.0
    processes: tuple[Marked, ...] = ()
    stack: str = ""
    part: str = ""
    number: int = 0
    brokers: str = ""
    before: str = ""
    what: str = "fault"


class Pending:
    """Keep on the disk what has to be undone, for whoever survives.

    It begins with what is written there already: of a killed run, or of an earlier benchmark.

    Args:
        folder: the folder of the run's faults.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / PENDING
        self._undos = {undo.fault: undo for undo in reversed(read_pending(folder))}
        self._lock = threading.Lock()

    def add(self, undo: Undo) -> None:
        """Write an undo down, on the disk when this returns; one of the same fault is replaced."""
        with self._lock:
            self._undos[undo.fault] = undo
            self._write()

    def add_running(self, undo: Undo, pid: int) -> None:
        """Write down which child does what a command undoes, so that it is ended before that."""
        self.add(replace(undo, processes=((pid, birth_mark(pid)),)))

    def remove(self, undo: Undo) -> None:
        """Forget an undo that was done."""
        with self._lock:
            self._undos.pop(undo.fault, None)
            self._write()

    @property
    def is_empty(self) -> bool:
        """Say whether nothing is left to undo."""
        with self._lock:
            return not self._undos

    def _write(self) -> None:
        draft = self._path.with_suffix(".draft")
        draft.touch(mode=0o600)  # a command may hold what only its author may read
        text = json.dumps([asdict(undo) for undo in self._undos.values()])
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)


def perform(undo: Undo, folder: Path, stack: Stack | None = None) -> str | None:
    """Undo a fault; whatever goes wrong is returned, so that the other undos are done.

    Args:
        undo: the undo of the fault.
        folder: the folder of the run's faults, for the output of a command.
        stack: that the part belongs to; read from its folder when None, and one that has ended with
            its run needs no part back.

    Returns:
        What went wrong, in a sentence; None when all is well.
    """
    try:
        return _trouble_of(undo, folder, stack)
    except PerfPipelineError as error:
        return error.sentence
    except OSError as error:
        return str(error)


def _trouble_of(undo: Undo, folder: Path, stack: Stack | None) -> str | None:
    match undo.kind:
        case "command":
            _end_sessions(undo.processes)
            trouble = run_command(undo.command, undo.limit_s, folder / "logs" / _LOG)
            return None if trouble is None else f"{undo.command!r} {trouble}"
        case "resume":
            resume(undo.processes)
        case "revive":
            if (found := stack or read_stack(Path(undo.stack))) is not None:
                revive(found, undo.part, timeout_s=undo.limit_s)
        case "make_room":
            if (found := stack or read_stack(Path(undo.stack))) is not None:
                make_room(found, undo.part, timeout_s=undo.limit_s)
        case "resize":
            if (found := stack or read_stack(Path(undo.stack))) is not None:
                resize(found, undo.part, undo.number, timeout_s=undo.limit_s)
        case "lead":
            _lead_again(undo, stack)
    return None


def _lead_again(undo: Undo, stack: Stack | None) -> None:
    brokers = undo.brokers
    if not brokers and (found := stack or read_stack(Path(undo.stack))) is not None:
        brokers = found.endpoints.brokers or ""
    if brokers:
        KNOWN.add_address(brokers)
        lead_as_before(brokers, TopicLeaders.from_text(undo.before), undo.limit_s)


def _end_sessions(leaders: Iterable[Marked]) -> None:
    """Kill what a run that was killed left at work, or it would have the last word."""
    for pid, mark in leaders:
        if start_mark(pid) == mark:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def undo_all(folder: Path) -> list[str]:
    """Undo what is still written down in a folder; return what went wrong, in sentences."""
    problems = list(_torn(folder))
    pending = Pending(folder)
    for undo in read_pending(folder):
        if (problem := perform(undo, folder)) is None:
            pending.remove(undo)
        else:
            subject = f"the {undo.what} {undo.fault}"
            problems.append(f"{subject} could not be undone: {KNOWN.mask(problem)}")
    return problems


def undo_left_over(folders: Path, say: Say) -> None:
    """Undo what killed runs left broken, and say so.

    Args:
        folders: where each run has the folder of its faults.
        say: receives what was done, and what could not be done.
    """
    for folder in sorted(folders.iterdir()) if folders.is_dir() else ():
        register = read_register(folder)
        if register is not None and register.owner is not None and is_alive(register.owner):
            continue
        if names := [undo.fault for undo in read_pending(folder)]:
            say(f"undoing what a run that was killed left broken: {', '.join(names)}")
        if problems := undo_all(folder):
            for problem in problems:
                say(f"{problem}; undo it by hand, then remove {folder}")
        else:
            dispose(folder)


def still_broken(folders: Path) -> str:
    """Say what of the target nobody has undone yet; empty where all of it is as usual.

    Args:
        folders: where each run has the folder of its faults.
    """
    told = [
        f"{problem}; undo it by hand, then remove {folder}"
        for folder in (sorted(folders.iterdir()) if folders.is_dir() else ())
        for problem in (
            *_torn(folder),
            *(f"the {undo.what} {undo.fault} is not undone" for undo in read_pending(folder)),
        )
    ]
    return KNOWN.mask("; ".join(told))


def read_pending(folder: Path) -> list[Undo]:
    """Return what is to be undone, the last first; nothing where nothing can be read."""
    return _written(folder) or []


def _torn(folder: Path) -> Iterator[str]:
    """Say that something is written down and can't be read: it may have to be undone."""
    if _written(folder) is None:
        yield f"what is to be undone can't be read in {folder / PENDING}"


def _written(folder: Path) -> list[Undo] | None:
    """Return what is to be undone, the last first; None where what is written can't be read."""
    try:
        documents = json.loads((folder / PENDING).read_text(encoding="utf-8"))
        return [_undo(document) for document in reversed(documents)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _undo(document: Mapping[str, Any]) -> Undo:
    processes: Iterable[tuple[int, str]] = document["processes"]
    return Undo(**{**document, "processes": tuple((pid, mark) for pid, mark in processes)})


def main(folder: Path) -> int:
    """Undo what a killed run left; the exit code is 1 when something could not be undone."""
    return 1 if undo_all(folder) else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
