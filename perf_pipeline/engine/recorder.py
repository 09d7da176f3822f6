"""The spool: every sample, iteration and ledger entry as one line of CSV, readable after a crash.

A line is formatted where it happens (microseconds) and written by a thread of its own, whole lines
in one call, so that neither a slow disk nor a kill -9 costs more than the last half second.

Add here: another kind of row. Keep out: reading it back (store/), percentiles (store/).
"""

import contextlib
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from perf_pipeline.engine.ports import Iteration
from perf_pipeline.metrics.sample import (
    ITERATION_COLUMNS,
    LEDGER_COLUMNS,
    NO_PHASES,
    SAMPLE_COLUMNS,
    HttpPhases,
    LedgerEntry,
    Outcome,
)

PIECE_LINES: Final = 256
MOST_WAITING_BYTES: Final = 64 * 1024 * 1024
_MOST_REMEMBERED_TEXTS: Final = 4_096
# The error class of an operation that this machine had no port or descriptor for.
OWN_LIMIT: Final = "generator"
_SPECIAL: Final = re.compile(r'[,"\r\n]')
_OK: Final = Outcome.OK
_INTERRUPTED: Final = Outcome.INTERRUPTED


class SpoolError(OSError):
    """Say that a spool file cannot be written, so the load has to stop."""


class SpoolFile:
    """Append whole lines to one file from a thread of its own; memory is bounded.

    Args:
        path: is emptied first.
        columns: of the header line.
        on_failure: called once, from the writing thread, with the first error of the disk.
    """

    def __init__(
        self, path: Path, columns: tuple[str, ...], on_failure: Callable[[SpoolError], None]
    ) -> None:
        self._path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        self._on_failure = on_failure
        self._lines: list[str] = [",".join(columns) + "\n"]
        self._pieces: SimpleQueue[bytes | None] = SimpleQueue()
        self._waiting_bytes = 0
        self._lock = threading.Lock()
        self.failure: SpoolError | None = None
        self._writer = threading.Thread(target=self._write, name=f"spool {path.name}", daemon=True)
        self._writer.start()

    def add(self, line: str) -> None:
        """Take one line, with its newline."""
        lines = self._lines
        lines.append(line)
        if len(lines) >= PIECE_LINES:
            self.flush()

    def flush(self) -> None:
        """Hand what is buffered to the writing thread."""
        if not self._lines:
            return
        piece = "".join(self._lines).encode()
        self._lines.clear()
        with self._lock:
            self._waiting_bytes += len(piece)
            waiting_bytes = self._waiting_bytes
        if waiting_bytes > MOST_WAITING_BYTES:
            self._fail(f"the disk is {waiting_bytes / 2**20:.0f} MiB behind")
        self._pieces.put(piece)

    def close(self) -> None:
        """Write all that is left.

        Raises:
            SpoolError: something could not be written, now or earlier.
        """
        self.flush()
        self._pieces.put(None)
        self._writer.join()
        os.close(self._fd)
        if self.failure is not None:
            raise self.failure

    def _write(self) -> None:
        while (piece := self._pieces.get()) is not None:
            if self.failure is None:
                try:
                    _write_all(self._fd, piece)
                except OSError as error:
                    self._fail(error.strerror or type(error).__name__)
            with self._lock:
                self._waiting_bytes -= len(piece)

    def _fail(self, why: str) -> None:
        if self.failure is None:
            self.failure = SpoolError(f"{self._path.name} can't be written: {why}")
            self._on_failure(self.failure)


def _write_all(fd: int, piece: bytes) -> None:
    """Write in one call; a second one happens only when the disk took a part of it."""
    written = os.write(fd, piece)
    while written < len(piece):
        written += os.write(fd, piece[written:])


def _quote(text: str) -> str:
    """Give a text as a CSV field."""
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text


class _Quoted(dict[str, str]):
    """Remember texts as CSV fields; scenario and operation names are few and repeat."""

    def __missing__(self, text: str) -> str:
        if len(self) >= _MOST_REMEMBERED_TEXTS:
            self.clear()
        field = self[text] = _quote(text)
        return field


class _Endings(dict[tuple[str, int, str, int, int, int, int, int], str]):
    """Remember what follows the time stamps of a sample; most of a load's are alike.

    Writing these eight fields anew takes 0.6 us, finding them 0.2.
    """

    def __init__(self, quoted: _Quoted) -> None:
        self._quoted = quoted

    def __missing__(self, ending: tuple[str, int, str, int, int, int, int, int]) -> str:
        if len(self) >= _MOST_REMEMBERED_TEXTS:
            self.clear()
        outcome, status, error, *numbers = ending
        fields = (outcome, status, self._quoted[error], *numbers)
        text = self[ending] = ",".join(map(str, fields))
        return text


class OperationCount:
    """Count a scenario's operations for the progress line; interrupted ones are neither.

    `own_limits` are those of the failed ones that this machine was the reason of.
    """

    __slots__ = ("failed", "ok", "own_limits")

    def __init__(self) -> None:
        self.ok = 0
        self.failed = 0
        self.own_limits = 0


class SpoolRecorder:
    """Be the `ports.Recorder` of one worker and step.

    Args:
        folder: gets `samples-<step>-<worker>.csv`, and `iterations-` and `ledger-` alike.
        step: of the benchmark.
        worker: number of the process.
        scenarios: names of those that will be counted.
        on_failure: called once, from another thread, when the disk refuses.
    """

    def __init__(
        self,
        folder: Path,
        step: str,
        worker: int,
        scenarios: tuple[str, ...],
        on_failure: Callable[[SpoolError], None],
    ) -> None:
        name = f"{step}-{worker}.csv"
        self._samples = SpoolFile(folder / f"samples-{name}", SAMPLE_COLUMNS, on_failure)
        self._iterations = SpoolFile(folder / f"iterations-{name}", ITERATION_COLUMNS, on_failure)
        self._ledger = SpoolFile(folder / f"ledger-{name}", LEDGER_COLUMNS, on_failure)
        self._quoted = _Quoted()
        self._endings = _Endings(self._quoted)
        self.counts = {scenario: OperationCount() for scenario in scenarios}

    def sample(
        self,
        iteration: Iteration,
        operation: str,
        started_us: int,
        ended_us: int,
        outcome: Outcome,
        *,
        intended_us: int | None = None,
        status: int = 0,
        error: str = "",
        bytes_out: int = 0,
        bytes_in: int = 0,
        records: int = 1,
        checks_passed: int = 0,
        checks_failed: int = 0,
        phases: HttpPhases = NO_PHASES,
    ) -> None:
        """Record one operation; `intended_us` defaults to the iteration's intended start."""
        quoted = self._quoted
        wanted_us = iteration.intended_us if intended_us is None else intended_us
        ending = self._endings[
            outcome, status, error, bytes_out, bytes_in, records, checks_passed, checks_failed
        ]
        blocked_us, connecting_us, tls_us, sending_us, waiting_us, receiving_us = phases
        self._samples.add(
            f"{quoted[iteration.scenario]},{quoted[iteration.protocol]},{iteration.vu},"
            f"{iteration.number},{quoted[operation]},{quoted[iteration.phase]},{wanted_us},"
            f"{started_us},{ended_us},{ending},"
            f"{blocked_us},{connecting_us},{tls_us},{sending_us},{waiting_us},{receiving_us}\n"
        )
        count = self.counts[iteration.scenario]
        if outcome is _OK:
            count.ok += 1
        elif outcome is not _INTERRUPTED:
            count.failed += 1
            if error == OWN_LIMIT:
                count.own_limits += 1

    def iteration(
        self, iteration: Iteration, started_us: int, ended_us: int, outcome: Outcome
    ) -> None:
        """Record that an iteration is over, its think time included."""
        quoted = self._quoted
        self._iterations.add(
            f"{quoted[iteration.scenario]},{iteration.vu},{iteration.number},"
            f"{quoted[iteration.phase]},{iteration.intended_us},{started_us},{ended_us},"
            f"{quoted[outcome]}\n"
        )

    def ledger(self, entry: LedgerEntry) -> None:
        """Record that a message passed a station."""
        self._ledger.add(f"{_quote(entry.message_id)},{entry.event},{entry.at_us}\n")

    def flush(self) -> None:
        """Hand all buffered lines to the disk's threads; call it at least once a second."""
        self._samples.flush()
        self._iterations.flush()
        self._ledger.flush()

    def close(self) -> None:
        """Write all that is left.

        Raises:
            SpoolError: something could not be written, now or earlier.
        """
        with contextlib.ExitStack() as all_files:
            all_files.callback(self._ledger.close)
            all_files.callback(self._iterations.close)
            all_files.callback(self._samples.close)
