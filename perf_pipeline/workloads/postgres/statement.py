"""Connections with one statement each: prepared, or a COPY.

Add here: what a benchmark of one statement needs. Keep out: which statements there are, and the
event loop's part (exchange.py).
"""

import time
from collections.abc import Sequence
from typing import Final

import psycopg
from psycopg import pq

from perf_pipeline.workloads.postgres.exchange import (
    GOOD,
    LoopConnection,
    connected,
    rows_of,
)
from perf_pipeline.workloads.postgres.takers import Taker

_NAME = b"perf_pipeline"
# A member of an Enum takes 0.1 µs to look up on Python 3.11.
_BINARY: Final = pq.Format.BINARY


class PreparedConnection(LoopConnection):
    """Run one prepared statement at a time on a connection of its own.

    Args:
        connection: in autocommit; closed by `close`.
    """

    __slots__ = ()

    @classmethod
    async def open(cls, dsn: str, statement: str) -> "PreparedConnection":
        """Connect and prepare the statement; parameters are `$1`, `$2` ...

        Raises:
            psycopg.Error: no connection, or the statement does not fit the target's tables.
        """
        connection = await connected(dsn)
        prepared = connection.pgconn.prepare(_NAME, statement.encode())
        if prepared.status not in GOOD:
            await connection.close()
            raise psycopg.errors.error_from_result(prepared)
        return cls(connection)

    async def run(self, parameters: Sequence[bytes]) -> int:
        """Run the statement with text parameters and return the rows it returned or changed.

        Rows arrive in PostgreSQL's binary format and stay in libpq's memory.

        Raises:
            psycopg.Error: the server refused, or the connection broke.
        """
        answer = self.expect_answer()
        self._send(parameters)
        return rows_of(await answer)

    def post(self, taker: Taker, parameters: Sequence[bytes]) -> None:
        """Run the statement, and give the answer to this one.

        Raises:
            psycopg.Error: there is no connection any more.
        """
        self.expect(taker)
        self._send(parameters)

    def _send(self, parameters: Sequence[bytes]) -> None:
        try:
            self._pgconn.send_query_prepared(_NAME, parameters, None, _BINARY)
            self._flush()
        except psycopg.OperationalError:
            self._stop_if_lost()
            raise


class CopyConnection:
    """Run one COPY at a time, each a transaction of its own, on a connection of its own.

    Args:
        connection: in autocommit; closed by `close`.
        statement: `copy ... from stdin`, text format.

    Attributes:
        answered_ns: when the latest COPY was committed, as `time.monotonic_ns` reads it.
    """

    __slots__ = ("_connection", "_is_copying", "_statement", "answered_ns")

    def __init__(self, connection: psycopg.AsyncConnection, statement: str) -> None:
        self._connection = connection
        self._statement = statement
        self._is_copying = False
        self.answered_ns = 0

    @classmethod
    async def open(cls, dsn: str, statement: str) -> "CopyConnection":
        """Connect.

        Raises:
            psycopg.Error: no connection.
        """
        return cls(await connected(dsn), statement)

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
        self.answered_ns = time.monotonic_ns()
        return max(0, cursor.rowcount)

    async def close(self) -> None:
        """Close the connection; an unfinished COPY is rolled back by the server."""
        await self._connection.close()
