"""The spool: every sample, iteration and ledger entry, written where it happens.

Samples and iterations are packed rows (metrics/spool_rows.py); the ledger is lines of CSV.
Add here: another thing to record. Keep out: files and disks (spool_writer.py), reading the spool
and percentiles (store/).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from perf_pipeline.engine.operation_count import OperationCount
from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.spool_writer import (
    PIECE_LINES,
    Lines,
    Rows,
    SpoolError,
    SpoolWriter,
    quoted,
    write_seal,
)
from perf_pipeline.engine.spooled_series import SpooledAnswers, SpooledSeries
from perf_pipeline.metrics.sample import (
    LEDGER_COLUMNS,
    NO_PHASES,
    HttpPhases,
    LedgerEntry,
    Outcome,
    Phase,
)
from perf_pipeline.metrics.spool_rows import ITERATION_ROWS, SAMPLE_ROWS
from perf_pipeline.metrics.spool_seal import SEAL_PREFIX

_MOST_NOTES: Final = 20
_OK: Final = Outcome.OK
_INTERRUPTED: Final = Outcome.INTERRUPTED
_DRAIN: Final = Phase.DRAIN


class SpoolRecorder:
    """Implement `ports.Recorder` for a worker and a step.

    Attributes:
        notes: how many times each sentence was noted.

    Args:
        folder: gets `samples-<step>-<worker>.npy`, `iterations-...npy`, `ledger-...csv`, and
            `seal-...json` when all of them are closed.
        step: step of the benchmark.
        worker: number of the worker process.
        scenarios: names of the scenarios that will be counted.
        on_failure: called once, from another thread, if the disk refuses to write.
    """

    def __init__(
        self,
        folder: Path,
        step: str,
        worker: int,
        scenarios: tuple[str, ...],
        on_failure: Callable[[SpoolError], None],
    ) -> None:
        name = f"{step}-{worker}"
        self._folder, self._name, self._further = folder, name, dict[str, Lines]()
        self._seal = folder / f"{SEAL_PREFIX}{name}.json"
        self._writer = writer = SpoolWriter(on_failure)
        self._samples = Rows(writer, folder / f"samples-{name}.npy", SAMPLE_ROWS)
        self._iterations = Rows(writer, folder / f"iterations-{name}.npy", ITERATION_ROWS)
        self._ledger = Lines(writer, folder / f"ledger-{name}.csv", LEDGER_COLUMNS)
        self._kinds, self._sample_rows = self._samples.kinds, self._samples.items
        self._pack_sample = self._samples.pack
        rows = self._iterations
        self._iteration_kinds, self._pack_iteration = rows.kinds, rows.pack
        self._iteration_rows = rows.items
        self.notes: dict[str, int] = {}
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
        """Record an operation; `intended_us` defaults to the intended start of the iteration."""
        scenario = iteration.scenario
        phase = iteration.phase if started_us <= iteration.cut_us else _DRAIN
        kind = self._kinds[scenario, iteration.protocol, operation, phase, outcome, status, error]
        # This is a third faster than `*phases`.
        blocked_us, connecting_us, tls_us, sending_us, waiting_us, receiving_us = phases
        row = self._pack_sample(
            kind,
            iteration.vu,
            iteration.number,
            iteration.intended_us if intended_us is None else intended_us,
            started_us,
            ended_us,
            bytes_out,
            bytes_in,
            records,
            checks_passed,
            checks_failed,
            blocked_us,
            connecting_us,
            tls_us,
            sending_us,
            waiting_us,
            receiving_us,
        )
        rows = self._sample_rows
        rows.append(row)
        if len(rows) >= PIECE_LINES:
            self._samples.flush()
        if outcome is _INTERRUPTED:
            return
        count = self.counts[scenario]
        count.durations_us.append(ended_us - started_us)
        if outcome is _OK:
            count.ok += 1
        else:
            count.fail(status, error)

    def series(self, scenario: str, protocol: str, operation: str) -> SpooledSeries:
        """Return a recorder for samples of an operation that went well."""
        return SpooledSeries(self._samples, self.counts[scenario], (scenario, protocol, operation))

    def answers(self, scenario: str, protocol: str, operation: str) -> SpooledAnswers:
        """Return a recorder for expected answers to HTTP requests."""
        return SpooledAnswers(self._samples, self.counts[scenario], (scenario, protocol, operation))

    def iteration(
        self, iteration: Iteration, started_us: int, ended_us: int, outcome: Outcome
    ) -> None:
        """Record that an iteration is over, think time included."""
        rows = self._iteration_rows
        rows.append(
            self._pack_iteration(
                self._iteration_kinds[iteration.scenario, iteration.phase, outcome],
                iteration.vu,
                iteration.number,
                iteration.intended_us,
                started_us,
                ended_us,
            )
        )
        if len(rows) >= PIECE_LINES:
            self._iterations.flush()

    def ledger(self, entry: LedgerEntry) -> None:
        """Record that a message passed a station."""
        self.enter(self._ledger, entry)

    def enter(self, ledger: Lines, entry: LedgerEntry) -> None:
        """Record the station in one of the ledgers."""
        ledger.add(f"{quoted(entry.message_id)},{entry.event},{entry.at_us}\n")

    def ledger_in(self, folder: str) -> Lines:
        """Return another ledger, in its own folder; always the same one for the same folder."""
        if folder not in self._further:
            place = self._folder / folder
            place.mkdir(exist_ok=True)
            path = place / f"ledger-{folder}-{self._name}.csv"
            self._further[folder] = Lines(self._writer, path, LEDGER_COLUMNS)
        return self._further[folder]

    def note(self, sentence: str) -> None:
        """Count a sentence about the target; of many different ones only the first are kept."""
        if sentence in self.notes or len(self.notes) < _MOST_NOTES:
            self.notes[sentence] = self.notes.get(sentence, 0) + 1

    def flush(self) -> None:
        """Hand buffered data to the writing thread; call this at least once a second."""
        self._samples.flush()
        self._iterations.flush()
        self._flush_ledgers()

    def close(self) -> None:
        """Write the rest, and a seal over everything that was written.

        Raises:
            SpoolError: something could not be written, now or earlier.
        """
        self._samples.end()
        self._iterations.end()
        self._flush_ledgers()
        self._writer.close()
        write_seal(self._seal, self._writer.facts())

    def _flush_ledgers(self) -> None:
        self._ledger.flush()
        for ledger in self._further.values():
            ledger.flush()
