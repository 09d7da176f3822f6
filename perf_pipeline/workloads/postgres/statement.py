"""One PostgreSQL connection with one statement, driven by the event loop.

A prepared one speaks to libpq (`psycopg.pq`) and never builds Python rows. Selects of 100 rows, 50
connections: 30 µs of CPU a query against 85 µs with AsyncCursor, 9,400/s against 4,900/s
(medians of 3, two shared cores), because the reader stays registered and nothing is adapted.
Add here: what every statement needs. Keep out: which statements there are.
"""

import asyncio
from collections.abc import Sequence

import psycopg
from psycopg import pq

from perf_pipeline.workloads.postgres.errors import CONNECT_TIMEOUT_S

_NAME = b"perf_pipeline"
_CONNECTED = pq.ConnStatus.OK
_ROWS = pq.ExecStatus.TUPLES_OK
_COPYING = (pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH)
_GOOD = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)


class PreparedConnection:
    """Run one prepared statement at a time on a connection of its own.

    Args:
        connection: in autocommit; closed by `close`.
    """

    __slots__ = ("_answer", "_connection", "_loop", "_pgconn", "_result", "_socket")

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[pq.abc.PGresult] | None = None
        self._result: pq.abc.PGresult | None = None
        self._pgconn = connection.pgconn
        self._socket = self._pgconn.socket
        self._pgconn.nonblocking = 1
        self._loop.add_reader(self._socket, self._read)

    @classmethod
    async def open(cls, dsn: str, statement: str) -> "PreparedConnection":
        """Connect and prepare the statement; parameters are `$1`, `$2` ...

        Raises:
            psycopg.Error: no connection, or the statement does not fit the target's tables.
        """
        connection = await _connect(dsn)
        prepared = connection.pgconn.prepare(_NAME, statement.encode())
        if prepared.status not in _GOOD:
            await connection.close()
            raise psycopg.errors.error_from_result(prepared)
        return cls(connection)

    @property
    def is_usable(self) -> bool:
        """Say whether another statement can be sent: connected and not waiting for an answer."""
        return self._answer is None and self._pgconn.status == _CONNECTED

    async def run(self, parameters: Sequence[bytes]) -> int:
        """Run the statement with text parameters and return the rows it returned or changed.

        Rows arrive in PostgreSQL's binary format and stay in libpq's memory.

        Raises:
            psycopg.Error: the server refused, or the connection broke.
        """
        self._answer = self._loop.create_future()
        self._result = None
        self._pgconn.send_query_prepared(_NAME, parameters, None, pq.Format.BINARY)
        # A statement is smaller than the socket's buffer, so that flush is done at once; were
        # it not, the rest would leave with the server's first answer (libpq flushes on read).
        self._pgconn.flush()
        result = await self._answer
        self._answer = None
        status = result.status
        if status not in _GOOD:
            raise psycopg.errors.error_from_result(result)
        if status == _ROWS:
            return result.ntuples
        return result.command_tuples or 0

    async def close(self) -> None:
        """Close the connection; an answer that is still awaited is given up."""
        self._stop_reading()
        await self._connection.close()

    def _stop_reading(self) -> None:
        if self._socket >= 0:
            self._loop.remove_reader(self._socket)
            self._socket = -1

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
                if result.status in _COPYING:
                    # Nobody asked for it, and libpq would give it again and again.
                    self._stop_reading()
                    self._pgconn.finish()
                    self._settle()
                    return
        except psycopg.OperationalError as error:
            # libpq has closed its socket; a reader left on that number would watch a stranger.
            self._stop_reading()
            # A server that ends the session says why before it closes the socket.
            if self._result is not None:
                self._settle()
            elif self._answer is not None and not self._answer.done():
                self._answer.set_exception(error)

    def _settle(self) -> None:
        answer, result = self._answer, self._result
        if answer is not None and result is not None and not answer.done():
            answer.set_result(result)


class CopyConnection:
    """Run one COPY at a time, each a transaction of its own, on a connection of its own.

    Args:
        connection: in autocommit; closed by `close`.
        statement: `copy ... from stdin`, text format.
    """

    __slots__ = ("_connection", "_is_copying", "_statement")

    def __init__(self, connection: psycopg.AsyncConnection, statement: str) -> None:
        self._connection = connection
        self._statement = statement
        self._is_copying = False

    @classmethod
    async def open(cls, dsn: str, statement: str) -> "CopyConnection":
        """Connect.

        Raises:
            psycopg.Error: no connection.
        """
        return cls(await _connect(dsn), statement)

    @property
    def is_usable(self) -> bool:
        """Say whether another COPY can begin: connected, and none was broken off half-way."""
        return not self._is_copying and not self._connection.broken

    async def run(self, parameters: Sequence[bytes]) -> int:
        """Send the chunks of COPY text and return the rows that were committed.

        Raises:
            psycopg.Error: the server refused (and kept no row), or the connection broke.
        """
        self._is_copying = True
        cursor = self._connection.cursor()
        try:
            async with cursor.copy(self._statement.encode()) as copy:
                for chunk in parameters:
                    await copy.write(chunk)
        except psycopg.Error:
            self._is_copying = False
            raise
        self._is_copying = False
        return max(0, cursor.rowcount)

    async def close(self) -> None:
        """Close the connection; an unfinished COPY is rolled back by the server."""
        await self._connection.close()


async def _connect(dsn: str) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(
        dsn,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name="perf_pipeline load",
        client_encoding="UTF8",
        autocommit=True,
    )
