"""A PostgreSQL connection on which any statement runs, with a time limit for its answer.

Add here: another way to send a statement. Keep out: the socket and the event loop (exchange.py),
and which statements there are.
"""

from typing import TYPE_CHECKING, Final

import psycopg

from perf_pipeline.workloads.postgres.exchange import LoopConnection, Values, now_ns
from perf_pipeline.workloads.postgres.takers import Answer

if TYPE_CHECKING:
    import asyncio

_NEVER_S: Final = float("inf")
_TICK_S: Final = 0.001  # in which event loops count, so that a timer may be that early


class SqlSession(LoopConnection):
    """Run any statement, prepared or not, and begin, commit and roll back.

    Who sends says before who takes the answer. In place of one he gets psycopg.Error where the
    server refused or the connection broke, and TimeoutError where the answer did not come in time.
    After that the connection can't be used any more.
    """

    __slots__ = ("_limit_s", "_timer", "_timer_s")

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        super().__init__(connection)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_s, self._limit_s = _NEVER_S, 0.0

    def send_text(self, text: bytes, _: Values, timeout_s: float) -> None:
        """Run a text as it is, which may hold several statements (the simple protocol)."""
        try:
            self._pgconn.send_query(text)
            self._sent(timeout_s)
        except psycopg.OperationalError:
            self._stop_if_lost()
            raise

    def send_with(self, text: bytes, values: Values, timeout_s: float) -> None:
        """Parse a statement and run it with these values."""
        try:
            self._pgconn.send_query_params(text, values)
            self._sent(timeout_s)
        except psycopg.OperationalError:
            self._stop_if_lost()
            raise

    def send_prepared(self, name: bytes, values: Values, timeout_s: float) -> None:
        """Run a statement that was prepared, with these values."""
        try:
            self._pgconn.send_query_prepared(name, values)
            self._sent(timeout_s)
        except psycopg.OperationalError:
            self._stop_if_lost()
            raise

    def ask(self, text: bytes, timeout_s: float) -> Answer:
        """Run a text as it is."""
        answer = self.expect_answer()
        self.send_text(text, (), timeout_s)
        return answer

    def prepare(self, name: bytes, text: bytes, timeout_s: float) -> Answer:
        """Prepare a statement under a name."""
        answer = self.expect_answer()
        try:
            self._pgconn.send_prepare(name, text)
            self._sent(timeout_s)
        except psycopg.OperationalError:
            self._stop_if_lost()
            raise
        return answer

    def _sent(self, timeout_s: float) -> None:
        """Send what libpq has not sent yet, and look at the time limit when it is over."""
        if self._pgconn.flush():
            self._loop.add_writer(self._socket, self._write)
        self._limit_s = limit_s = self._loop.time() + timeout_s
        if limit_s < self._timer_s:
            self._wake_at(limit_s)

    async def close(self) -> None:
        """Close the connection; an answer that is still awaited is cancelled on the server."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await super().close()

    def _wake_at(self, at_s: float) -> None:
        """Look at the time limit then: one timer serves many answers, which come before it."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer_s = at_s
        self._timer = self._loop.call_at(at_s, self._look_at_limit)

    def _look_at_limit(self) -> None:
        self._timer, self._timer_s = None, _NEVER_S
        if self._answer is None or self._answer.done():
            return
        if self._loop.time() < self._limit_s - _TICK_S:
            self._wake_at(self._limit_s)
            return
        self.answered_ns = now_ns()
        self._refuse(TimeoutError())
