"""The clock of a PostgreSQL server, by round trips to `clock_timestamp()`.

Add here: nothing but this question. Keep out: joining the trips (analysis/clock.py).
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

import psycopg

from perf_pipeline.analysis.clock import ClockTrip
from perf_pipeline.workloads.postgres.bounded import bounded_connection
from perf_pipeline.workloads.postgres.errors import unavailable

_APPLICATION: Final = "perf_pipeline clock"
# As the target's own code says it: a function of this name in its search path is its clock.
_ASK: Final = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint"
_ANSWER_S: Final = 5.0


class PostgresClock:
    """Ask a database for the time.

    Args:
        dsn: the DSN of the database.
        now_us: our clock.
    """

    name: Final = "the database's clock"
    trips_before: Final = 8

    def __init__(self, dsn: str, now_us: Callable[[], int]) -> None:
        self._dsn, self._now_us = dsn, now_us
        self._open = ExitStack()
        self._connection: psycopg.Connection | None = None

    def open(self) -> None:
        """Connect.

        Raises:
            TargetUnavailableError: it does not answer.
        """
        try:
            self._connection = self._open.enter_context(
                bounded_connection(self._dsn, _APPLICATION, answer_s=_ANSWER_S)
            )
            self._connection.prepare_threshold = None
        except psycopg.Error as error:
            raise unavailable(self._dsn, error) from None

    def trip(self) -> ClockTrip:
        """Ask once.

        Raises:
            TargetUnavailableError: it does not answer.
        """
        assert self._connection is not None, "it is open"
        try:
            sent_us = self._now_us()
            row = self._connection.execute(_ASK).fetchone()
            received_us = self._now_us()
        except psycopg.Error as error:
            raise unavailable(self._dsn, error) from None
        return ClockTrip(sent_us, received_us, int(row[0]) if row else 0)

    def close(self) -> None:
        """Close the connection."""
        self._open.close()
        self._connection = None
