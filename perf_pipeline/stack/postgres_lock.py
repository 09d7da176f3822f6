"""Hold a lock on a table of PostgreSQL, as a migration or a forgotten session would.

The lock goes with its connection, so that nothing is left of it when this process dies.
Add here: another thing that a session can hold. Keep out: when it is held (loading/).
"""

import time
from collections.abc import Callable
from typing import Final

import psycopg
from psycopg import sql

from perf_pipeline.errors import StackError

_TRY_MS: Final = 1_000  # so that a stop of the run is not waited for


class HeldLock:
    """Hold an ACCESS EXCLUSIVE lock, which stops everybody else's reads and writes.

    Args:
        dsn: the DSN of the database.
        table: its name, with its schema before a dot or without.
        limit_s: how long to wait for the lock, which waits for those before it.
        is_over: says that nobody wants it any more.

    Raises:
        StackError: the table is not there, or the lock could not be had in time.
    """

    def __init__(self, dsn: str, table: str, limit_s: float, is_over: Callable[[], bool]) -> None:
        self._statement = sql.SQL("lock table {} in access exclusive mode").format(
            sql.Identifier(*table.split("."))
        )
        try:
            self._connection = psycopg.connect(dsn, connect_timeout=5)
        except psycopg.Error as error:
            raise _refused(table, error) from error
        try:
            is_held = self._await(limit_s, is_over)
        except psycopg.Error as error:
            self._connection.close()
            raise _refused(table, error) from error
        if not is_held:
            self._connection.close()
            raise StackError(f"nobody released table {table} within {limit_s:g} s")

    def _await(self, limit_s: float, is_over: Callable[[], bool]) -> bool:
        give_up_at = time.monotonic() + limit_s
        self._connection.execute(f"set lock_timeout = {_TRY_MS}")
        self._connection.commit()
        while not self._locks():
            if is_over() or time.monotonic() > give_up_at:
                return False
        return True

    def _locks(self) -> bool:
        try:
            self._connection.execute(self._statement)
        except psycopg.errors.LockNotAvailable:
            self._connection.rollback()
            return False
        return True

    def release(self) -> None:
        """Let go of the table."""
        self._connection.close()


def _refused(table: str, error: psycopg.Error) -> StackError:
    told = str(error).strip().splitlines()
    return StackError(f"table {table} can't be locked: {told[0] if told else 'no answer'}")
