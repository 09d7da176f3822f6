"""Record many successful samples of one operation, at half the cost of single samples.

Add here: another kind of operation whose samples have much in common. Keep out: every other sample
(recorder.py), files (spool_writer.py).
"""

from typing import Final

from perf_pipeline.engine.operation_count import OperationCount
from perf_pipeline.engine.ports import Iteration
from perf_pipeline.engine.spool_writer import PIECE_LINES, Rows
from perf_pipeline.metrics.sample import Outcome, Phase
from perf_pipeline.metrics.spool_rows import (
    NO_PHASES_PACKED,
    answer_packing,
    plain_sample_packing,
)

_OK: Final = Outcome.OK
_DRAIN: Final = Phase.DRAIN


class SpooledSeries:
    """Implement `ports.SampleSeries`; values that all samples share are looked up once.

    Args:
        rows: the rows that samples go to.
        count: the operation count of the scenario.
        names: scenario, protocol and operation.
    """

    __slots__ = ("_count", "_items", "_kind", "_names", "_pack", "_phase", "_rows")

    def __init__(self, rows: Rows, count: OperationCount, names: tuple[str, str, str]) -> None:
        self._rows, self._items = rows, rows.items
        self._count, self._names = count, names
        self._pack = plain_sample_packing().pack
        self._phase: Phase | None = None
        self._kind = 0

    def answered(
        self,
        iteration: Iteration,
        intended_us: int,
        started_us: int,
        ended_us: int,
        records: int,
        bytes_out: int = 0,
    ) -> None:
        """Record an operation that went well."""
        phase = iteration.phase if started_us <= iteration.cut_us else _DRAIN
        if phase is not self._phase:  # it hardly ever is
            self._phase, self._kind = phase, self._rows.kinds[*self._names, phase, _OK, 0, ""]
        items = self._items
        items.append(
            self._pack(
                self._kind,
                iteration.vu,
                iteration.number,
                intended_us,
                started_us,
                ended_us,
                bytes_out,
                records,
                NO_PHASES_PACKED,
            )
        )
        if len(items) >= PIECE_LINES:
            self._rows.flush()
        count = self._count
        count.durations_us.append(ended_us - started_us)
        count.ok += 1


class SpooledAnswers:
    """Implement `ports.AnswerSeries`; values that all samples share are looked up once.

    Args:
        rows: the rows that samples go to.
        count: the operation count of the scenario.
        names: scenario, protocol and operation.
    """

    __slots__ = (
        "_count",
        "_durations_us",
        "_items",
        "_kind",
        "_names",
        "_pack",
        "_phase",
        "_rows",
        "_status",
    )

    def __init__(self, rows: Rows, count: OperationCount, names: tuple[str, str, str]) -> None:
        self._rows, self._items = rows, rows.items
        self._count, self._names, self._durations_us = count, names, count.durations_us
        self._pack = answer_packing().pack
        self._phase: Phase | None = None
        self._status = self._kind = 0

    def answered(
        self,
        iteration: Iteration,
        status: int,
        intended_us: int,
        started_us: int,
        written_us: int,
        first_us: int,
        ended_us: int,
        bytes_out: int,
        bytes_in: int,
        checks_passed: int,
    ) -> None:
        """Record a request that waited from `written_us` until `first_us`."""
        phase = iteration.phase if started_us <= iteration.cut_us else _DRAIN
        if phase is not self._phase or status != self._status:  # it hardly ever is
            self._phase, self._status = phase, status
            self._kind = self._rows.kinds[*self._names, phase, _OK, status, ""]
        items = self._items
        items.append(
            self._pack(
                self._kind,
                iteration.vu,
                iteration.number,
                intended_us,
                started_us,
                ended_us,
                bytes_out,
                bytes_in,
                1,
                checks_passed,
                written_us - started_us,
                first_us - written_us,
                ended_us - first_us,
            )
        )
        if len(items) >= PIECE_LINES:
            self._rows.flush()
        self._durations_us.append(ended_us - started_us)
        self._count.ok += 1
