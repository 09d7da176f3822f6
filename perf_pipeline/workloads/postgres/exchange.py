"""One PostgreSQL connection, driven by the event loop: a request goes out, its answer comes back.

It speaks to libpq (`psycopg.pq`) and never builds Python rows. Selects of 100 rows, 50 connections:
30 µs of CPU a query against 85 µs with AsyncCursor, 9,400/s against 4,900/s (medians of 3, two
shared cores), because the reader stays registered and nothing is adapted.
Add here: what every exchange needs. Keep out: which statements there are (statement.py,
sql_session.py).
"""

import asyncio
from collections.abc import Sequence
from time import monotonic_ns
from typing import Final

import psycopg
from psycopg import pq

from perf_pipeline.workloads.postgres.errors import CONNECT_TIMEOUT_S
from perf_pipeline.workloads.postgres.hang_ups import hang_ups
from perf_pipeline.workloads.postgres.takers import Answer, Awaiter, Taker

Values = Sequence[bytes | None]
# Plain numbers: a member of an Enum takes 0.1 µs to look up on Python 3.11.
_DONE: Final = int(pq.ExecStatus.COMMAND_OK)
_ROWS: Final = int(pq.ExecStatus.TUPLES_OK)
GOOD: Final = frozenset({_DONE, _ROWS})


# Compiled, a module's Final costs no look-up.
now_ns: Final = monotonic_ns
_CONNECTED: Final = int(pq.ConnStatus.OK)
_IDLE: Final = int(pq.TransactionStatus.IDLE)
_COPYING: Final = frozenset(
    {
        int(pq.ExecStatus.COPY_IN),
        int(pq.ExecStatus.COPY_OUT),
        int(pq.ExecStatus.COPY_BOTH),
    }
)
_CANCEL_LIMIT_S: Final = 2.0


class LoopConnection:
    """Send one request at a time and await its answer, on a connection of its own.

    Args:
        connection: in autocommit; closed by `close`.

    Attributes:
        answered_ns: when the latest answer was complete, as `time.monotonic_ns` reads it.
    """

    __slots__ = (
        "_answer",
        "_connection",
        "_hang_ups",
        "_last_ns",
        "_loop",
        "_pgconn",
        "_result",
        "_socket",
        "_status",
        "_watched",
        "answered_ns",
    )

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._answer: Taker | None = None
        self._result: pq.abc.PGresult | None = None
        self._status = 0
        self._pgconn = connection.pgconn
        self._socket = self._pgconn.socket
        self._pgconn.nonblocking = 1
        self._loop.add_reader(self._socket, self._read)
        self._hang_ups = hang_ups()
        self._watched = self._hang_ups.watch(self._socket, self._hung_up)
        self.answered_ns, self._last_ns = 0, -1

    @property
    def is_usable(self) -> bool:
        """Say whether another request can be sent: connected and not waiting for an answer."""
        return self._answer is None and self._pgconn.status == _CONNECTED

    @property
    def is_in_transaction(self) -> bool:
        """Say whether a transaction is open, be it one that failed."""
        return self._pgconn.transaction_status != _IDLE

    async def close(self) -> None:
        """Close the connection; an answer that is still awaited is cancelled on the server."""
        is_busy = self._answer is not None and self._pgconn.status == _CONNECTED
        self._stop_reading()
        if is_busy:
            await self._cancel()
        await self._connection.close()

    async def _cancel(self) -> None:
        """Ask the server to end what it does, which else would go on when nobody waits for it."""
        try:
            await self._connection.cancel_safe(timeout=_CANCEL_LIMIT_S)
        except psycopg.Error:  # it does not answer, so the connection's end must do
            return

    def expect(self, taker: Taker) -> None:
        """Give the answer to the request that is sent next to this one."""
        self._answer = taker
        self._result = None

    def expect_answer(self) -> Answer:
        """Return the answer to the request that is sent next, to be awaited."""
        answer: Answer = self._loop.create_future()
        self.expect(Awaiter(answer))
        return answer

    def _flush(self) -> None:
        """Send what was not sent yet; what does not fit into the socket goes when it is free."""
        if self._pgconn.flush():
            self._loop.add_writer(self._socket, self._write)

    def _stop_if_lost(self) -> None:
        """Leave the socket alone where libpq closed it while it was sending."""
        if self._pgconn.status != _CONNECTED:
            self._stop_reading()

    def _write(self) -> None:
        try:
            if not self._pgconn.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.OperationalError as error:
            self._fail(error)

    def _stop_reading(self) -> None:
        if self._socket < 0:
            return
        if self._hang_ups.forget(self._watched):  # else libpq closed it, and another has its number
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
        self._socket = -1

    def _hung_up(self) -> None:
        """Read the last bytes of a server, which the event loop's reader may never see.

        This is called again at each turn. Who was answered goes on before more is read: to him the
        connection is as it was when he was answered.
        """
        if self._last_ns != self.answered_ns:
            self._last_ns = self.answered_ns
            self._loop.remove_reader(self._socket)
            return
        while self._socket >= 0 and self._last_ns == self.answered_ns:
            self._read()

    def _read(self) -> None:
        pgconn = self._pgconn
        try:
            pgconn.consume_input()
            while not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    self._settle()
                    return
                self._result = result
                self._status = result.status
                if self._status in _COPYING:
                    # Nobody asked for it, and libpq would give it again and again.
                    self._stop_reading()
                    self._pgconn.finish()
                    self._settle()
                    return
        except psycopg.OperationalError as error:
            self._fail(error)

    def _fail(self, error: psycopg.OperationalError) -> None:
        # libpq has closed its socket; a reader left on that number would watch a stranger.
        self._stop_reading()
        if self._answer is None:
            return
        # A server that ends the session says why before it closes the socket.
        if self._result is not None:
            self._settle()
        else:
            self.answered_ns = now_ns()
            self._refuse(error)

    def _settle(self) -> None:
        """Hand over the answer; one that nobody awaits any more leaves the connection unusable."""
        at_ns = now_ns()
        answer, result = self._answer, self._result
        if answer is None or result is None or answer.done():
            return
        self.answered_ns = at_ns
        status = self._status
        if status == _ROWS:
            self._answer = None  # before the next request may come of it
            answer.take(result, result.ntuples)
        elif status == _DONE:
            self._answer = None
            answer.take(result, result.command_tuples or 0)
        else:
            self._refuse(psycopg.errors.error_from_result(result))
            self._answer = None

    def _refuse(self, error: Exception) -> None:
        """Raise an error where the answer is awaited."""
        answer = self._answer
        if answer is not None and not answer.done():
            answer.refuse(error)


async def connected(dsn: str) -> psycopg.AsyncConnection:
    """Connect for a load, in autocommit; texts are UTF-8.

    Raises:
        psycopg.Error: no connection within 10 s.
    """
    return await psycopg.AsyncConnection.connect(
        dsn,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name="perf_pipeline load",
        client_encoding="UTF8",
        autocommit=True,
    )


def rows_of(result: pq.abc.PGresult) -> int:
    """Return how many rows an answer returned or changed."""
    return result.ntuples if result.status == _ROWS else result.command_tuples or 0
