"""Find with py-spy which Python functions use a tier's CPU under load.

py-spy samples the stacks of a process from outside, twenty times a second, without stopping it. A
function that is the innermost one of a working thread in some share of the samples took that share
of the tier's time. Waiting threads are ignored.

Add here: another fact that py-spy reports. Keep out: when it samples (loading/costs.py), and what
costs mean (analysis/costs.py).
"""

import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psutil

from perf_pipeline.metrics.cost import Cost
from perf_pipeline.secrecy.known import KNOWN

FUNCTION: Final = "function"
_LOOKS_PER_S: Final = 20
_MOST_KEPT: Final = 20
_END_S: Final = 10.0
_REFUSED: Final = "permission denied"
_HOW_ALLOWED: Final = (
    "it may look into processes of another user, or where kernel.yama.ptrace_scope is 1, only as "
    "root or with CAP_SYS_PTRACE"
)


def py_spy_here() -> str:
    """Return the path of py-spy, next to this Python or on PATH; empty if there is none."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.is_file() else shutil.which("py-spy") or ""


class PythonFunctions:
    """Watch the processes of a tier between `start` and `stop`; it can be started again.

    It never ends a load: anything it can't see becomes a sentence in `problems`.

    Args:
        tier: the tier that is watched.
        pids: returns the pids of its processes; their children are watched as well.
        longest_s: py-spy ends by itself after this time, in case nobody is left to stop it.
        program: the path of py-spy.

    Attributes:
        problems: one sentence for each thing that could not be seen.
    """

    def __init__(
        self,
        tier: str,
        pids: Callable[[], Sequence[int]],
        longest_s: int,
        program: str | None = None,
    ) -> None:
        self.problems: list[str] = []
        self._tier, self._pids, self._longest_s = tier, pids, longest_s
        self._program = py_spy_here() if program is None else program
        self._looks: Counter[str] = Counter()
        self._folder: TemporaryDirectory[str] | None = None
        self._watching: list[subprocess.Popen[str]] = []

    def start(self) -> None:
        """Start sampling; do nothing if it has already started."""
        if self._folder is not None:
            return
        if not self._program:
            self._unknown("py-spy is not installed here; install perf_pipeline[functions]")
            return
        roots = _roots(self._pids())
        if not roots:
            self._unknown("it has no process on this machine")
            return
        try:
            self._folder = TemporaryDirectory(prefix="functions-")
            for pid in roots:
                self._watching.append(self._watch(pid, Path(self._folder.name) / str(pid)))
        except OSError as error:
            self._unknown(f"py-spy could not be started: {error.strerror}")

    def stop(self) -> None:
        """Stop sampling; do nothing if it has not started."""
        if self._folder is None:
            return
        with self._folder as folder:
            for watching in self._watching:
                watching.send_signal(signal.SIGINT)  # this asks it to write its samples
            for watching in self._watching:
                self._end(watching)
            for file in Path(folder).iterdir():
                self._looks += looks_in(file.read_text(encoding="utf-8", errors="replace"))
        self._folder, self._watching = None, []

    def costs(self) -> list[Cost]:
        """Return at most 20 functions that were seen, the most frequent first."""
        return [
            Cost(self._tier, FUNCTION, KNOWN.mask(name), looks / _LOOKS_PER_S, 0)
            for name, looks in self._looks.most_common(_MOST_KEPT)
        ]

    def _watch(self, pid: int, file: Path) -> "subprocess.Popen[str]":
        command = [
            self._program, "record", "--pid", str(pid), "--subprocesses", "--nonblocking",
            "--function", "--rate", str(_LOOKS_PER_S), "--duration", str(self._longest_s),
            "--format", "raw", "--output", str(file),
        ]  # fmt: skip
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def _end(self, watching: "subprocess.Popen[str]") -> None:
        """Wait until py-spy ends, and report why it saw nothing."""
        try:
            _, said = watching.communicate(timeout=_END_S)
        except subprocess.TimeoutExpired:
            watching.kill()
            watching.communicate()
            self._unknown(f"py-spy did not end within {_END_S:g} s")
            return
        if watching.returncode:
            lines = [line.strip() for line in said.splitlines() if line.strip()]
            why = KNOWN.mask(lines[0]) if lines else f"exit code {watching.returncode}"
            allowed = f"; {_HOW_ALLOWED}" if _REFUSED in why.lower() else ""
            self._unknown(f"py-spy said {why!r}{allowed}")

    def _unknown(self, why: str) -> None:
        self.problems.append(f"what the time of {self._tier} went into is not known: {why}")


def looks_in(text: str) -> Counter[str]:
    """Count in how many samples each function was the innermost one.

    >>> looks_in("process 7:py;main (a.py:1);read (a.py:9) 3")
    Counter({'read (a.py:9)': 3})
    """
    found: Counter[str] = Counter()
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        innermost = stack.rpartition(";")[2]
        if count.isdigit() and innermost:
            found[innermost] += int(count)
    return found


def _roots(pids: Sequence[int]) -> list[int]:
    """Leave out processes whose parent is listed, because children are watched with it."""
    known, roots = set(pids), []
    for pid in known:
        try:
            above = {parent.pid for parent in psutil.Process(pid).parents()}
        except psutil.NoSuchProcess:
            continue
        if not above & known:
            roots.append(pid)
    return sorted(roots)
