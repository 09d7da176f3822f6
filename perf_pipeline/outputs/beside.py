"""Represent the sending process to its run: it is notified, and not waited for during a load.

Add here: another message between the run and the process. Keep out: what the process does
(process.py).
"""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from perf_pipeline.config.outputs import token_variable
from perf_pipeline.engine.worker_start import worker_environment
from perf_pipeline.metrics.sample import Reading
from perf_pipeline.narration import Narrator
from perf_pipeline.secrecy.known import KNOWN

_MOST_UNTOLD: Final = 100  # progress events: a minute and a half
_END_WITHIN_S: Final = 6.0  # twice what the process takes for its last points
_READ_WITHIN_S: Final = 6.0  # milliseconds, where the process has begun and gets a processor


class Outputs:
    """Have the figures of a run sent by a process of its own, from `begin` until the end.

    Args:
        urls: that are posted to, by kind of receiver.
        narrator: receives the progress of the run, and what receivers do.
    """

    def __init__(self, urls: Mapping[str, str], narrator: Narrator) -> None:
        self._urls = urls
        self._narrator = narrator
        self._spool = Path()
        self._located = Path()
        self._untold: queue.Queue[bytes | None] = queue.Queue(_MOST_UNTOLD)
        self._heard: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_lost = False
        self._left = ""
        self._has_read = threading.Event()
        self._log = Path()
        self._threads: list[threading.Thread] = []
        self.counts: Mapping[str, Mapping[str, int]] = {}

    def begin(self, spool: Path, folder: Path, labels: Mapping[str, str]) -> None:
        """Start the process.

        Args:
            spool: has a folder for each run.
            folder: the folder of this run; gets `outputs.log` with what should not happen.
            labels: the labels of every series.
        """
        self._spool = spool
        order = {"outs": dict(self._urls), "labels": dict(labels), "began_ms": _now_ms()}
        self._log = folder / "outputs.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "perf_pipeline.outputs.process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                env=_environment(self._urls),
                process_group=0,  # Ctrl-C is the run's to handle
            )
        self._tell(order)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        for body, pipe in ((self._write, self._process.stdin), (self._read, self._process.stdout)):
            thread = threading.Thread(target=body, args=(pipe,), name="outputs", daemon=True)
            thread.start()
            self._threads.append(thread)

    @property
    def pid(self) -> int | None:
        """Return the id of the process; None before `begin`."""
        return None if self._process is None else self._process.pid

    def say(self, sentence: str) -> None:
        """Tell a sentence that stays."""
        self._narrator.say(sentence)

    def progress(self, line: str, figures: Mapping[str, object]) -> None:
        """Report a load's progress, also to the process, and what it says about receivers."""
        self._narrator.progress(line, figures)
        folder = self._folder_of(str(figures["run_id"]), str(figures["benchmark"]))
        at_ms = _now_ms()
        origin_ms = round(at_ms - float(str(figures["benchmark_s"])) * 1_000)
        self._tell(
            {"folder": str(folder), "origin_ms": origin_ms, "at_ms": at_ms, "figures": figures}
        )
        self._say_heard()

    def locate(self, folder: Path) -> None:
        """Remember where the next load is written: a search has a place of its own for each."""
        self._located = folder

    def _folder_of(self, run_id: str, benchmark: str) -> Path:
        is_there = (self._located.parent.name, self._located.name) == (run_id, benchmark)
        return self._located if is_there else self._spool / run_id / benchmark

    def follow(self, folder: Path, at_us: int) -> None:
        """Say that a benchmark has begun; a load of less than a second reports nothing.

        Args:
            folder: the folder of the benchmark in the spool.
            at_us: now, in µs since its origin.
        """
        self._tell({"folder": str(folder), "origin_ms": _now_ms() - at_us // 1_000})

    def leave(self, folder: Path) -> None:
        """Wait a moment until the process has read what a load wrote, since its files may go now.

        Args:
            folder: the folder of the benchmark in the spool.
        """
        if self._process is None or self._process.poll() is not None:
            return
        self._left = str(folder)
        self._has_read.clear()
        self._tell({"left": self._left})
        self._has_read.wait(_READ_WITHIN_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is None:
            return
        self._untold.put(None)
        try:
            self._process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._is_lost = True
            self._narrator.say("the process that sends figures hangs; its last points are lost")
            self._process.kill()
        for thread in self._threads:
            thread.join(1.0)
        self._process.wait()
        self._say_heard()

    def _tell(self, told: Mapping[str, Any]) -> None:
        with suppress(queue.Full):  # the process is slow, and a later event says the same
            self._untold.put_nowait(json.dumps(told).encode() + b"\n")

    def _write(self, pipe: IO[bytes]) -> None:
        with suppress(OSError), pipe:
            while (line := self._untold.get()) is not None:
                pipe.write(line)

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                told = json.loads(line)
                self.counts = told["receivers"]
                if told["left"] == self._left:
                    self._has_read.set()
                for sentence in told["sentences"]:
                    self._heard.put(sentence)

    def _say_heard(self) -> None:
        while not self._heard.empty():
            self._narrator.say(self._heard.get())
        code = None if self._process is None else self._process.poll()
        if code and not self._is_lost:
            self._is_lost = True
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            self._narrator.say(
                f"the process that sends figures ended ({how}), so that nothing more is sent; the "
                f"run goes on. {self._log} may say why"
            )


class OutputProbe:
    """Read how many points receivers took, how many were lost, and how many still wait.

    Args:
        outputs: the outputs of the run.
        folder: the folder of the benchmark that is watched.
    """

    name = "outputs"

    def __init__(self, outputs: Outputs, folder: Path) -> None:
        self._outputs = outputs
        self._folder = folder
        self._has_told = False
        outputs.locate(folder)

    def open(self) -> None:
        """Do nothing: the process reports by itself."""

    def read(self, at_us: int) -> list[Reading]:
        """Return the points of each receiver, since the run began."""
        if not self._has_told:
            self._has_told = True
            self._outputs.follow(self._folder, at_us)
        return list(_readings(at_us, self._outputs.counts.items()))

    def close(self) -> None:
        """Let the process read all of the load: a search removes the files of each window."""
        self._outputs.leave(self._folder)


def _readings(at_us: int, counts: Iterable[tuple[str, Mapping[str, int]]]) -> Iterator[Reading]:
    for kind, its in counts:
        for counted in ("sent", "lost", "waiting"):
            yield Reading(at_us, kind, f"live_points_{counted}", float(its[counted]))


def _environment(kinds: Iterable[str]) -> dict[str, str]:
    """Return the variables of a worker, with the tokens of receivers and no other address."""
    tokens = {name: os.environ.get(name, "") for name in map(token_variable, kinds)}
    KNOWN.add_all(tokens.values())
    return {**worker_environment(), **tokens}


def _now_ms() -> int:
    return round(datetime.now(UTC).timestamp() * 1_000)
