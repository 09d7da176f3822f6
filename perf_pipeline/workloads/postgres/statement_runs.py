"""One prepared statement, run again and again for one virtual user as its answers come.

While all goes well, no coroutine ends and begins between two of them (straight_runs.py says more).
Add here: another way to go on. Keep out: what becomes of a failure (one_statement.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg

from perf_pipeline.engine.ports import Clock, Iteration, SampleSeries
from perf_pipeline.workloads.postgres.statement import PreparedConnection
from perf_pipeline.workloads.postgres.turns import TakesTurns, Turns

_NS_PER_US: Final = 1_000


@dataclass(frozen=True, slots=True)
class RepeatedStatement:
    """Hold what all virtual users share.

    Attributes:
        clock: the clock of the run.
        turns: the turns of the scenario in this worker.
        series: takes the samples.
        parameters: makes the values of an iteration.
        records: says what a sample counts for so many rows; None where they are a failure.
    """

    clock: Clock
    turns: Turns
    series: SampleSeries
    parameters: Callable[[Iteration], Sequence[bytes]]
    records: Callable[[int], int | None]


class StatementRuns(TakesTurns[int]):
    """Run a statement for iterations that follow one another.

    Args:
        repeated: the statement.
        connection: which nobody else uses meanwhile.
        started_us: when the first one starts.

    Attributes:
        started_us: when the latest one started.
        is_written: the latest one is written down.
    """

    __slots__ = (
        "_connection",
        "_iteration",
        "_repeated",
        "is_written",
        "started_us",
    )

    def __init__(
        self, repeated: RepeatedStatement, connection: PreparedConnection, started_us: int
    ) -> None:
        super().__init__(repeated.turns)
        self._repeated, self._connection = repeated, connection
        self.started_us, self.is_written = started_us, False

    async def run(self, iteration: Iteration, parameters: Sequence[bytes]) -> int:
        """Run it while iterations follow and go well; give the rows of the latest.

        Raises:
            psycopg.Error: the server refused, or the connection broke.
        """
        self._iteration = iteration
        over = self._expect_end()
        self._connection.post(self, parameters)
        return await over

    def _answered(self) -> None:
        """Write down what was answered, and run the statement for the next iteration."""
        repeated, iteration, rows = self._repeated, self._iteration, self._rows
        records = repeated.records(rows)
        if records is None:
            self._over.set_result(rows)
            return
        iteration.has_waited = True
        clock = repeated.clock
        ended_us = (self._connection.answered_ns - clock.origin_ns) // _NS_PER_US
        repeated.series.answered(
            iteration, iteration.intended_us, self.started_us, ended_us, records
        )
        self.is_written = True
        if iteration.follow is None or not iteration.follow():
            self._over.set_result(rows)
            return
        parameters = repeated.parameters(iteration)
        self.started_us, self.is_written = clock.now_us(), False
        try:
            self._connection.post(self, parameters)
        except psycopg.Error as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._over.set_exception(error)
