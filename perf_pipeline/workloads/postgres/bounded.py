"""A connection to PostgreSQL whose every statement ends: with its answer, or with an error.

A server that is stopped, or that waits for somebody's lock, keeps a connection for ever.
Add here: another way not to wait for ever. Keep out: the load's own connections, whose waits are
measured (statement.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final, TypeVar

import psycopg
from psycopg.abc import PQGen

from perf_pipeline.workloads.postgres.errors import CONNECT_TIMEOUT_S

T = TypeVar("T")

ANSWER_S: Final = 120.0


class BoundedConnection(psycopg.Connection):
    """Give up on a server that says nothing.

    Attributes:
        answer_s: how long a statement may take.
    """

    answer_s = ANSWER_S

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait for an answer.

        Raises:
            psycopg.OperationalError: it did not come.
        """
        bound_s = self.answer_s if timeout is None else timeout
        began_s = monotonic()
        try:
            return super().wait(gen, interval=interval, timeout=bound_s)
        except psycopg.Error as error:
            if monotonic() - began_s < bound_s:
                raise
            raise psycopg.OperationalError(f"no answer within {bound_s:g} s") from error


@contextmanager
def bounded_connection(
    dsn: str, application_name: str, *, answer_s: float = ANSWER_S, autocommit: bool = True
) -> Iterator[psycopg.Connection]:
    """Connect; texts are UTF-8, whatever the database's own encoding is.

    Raises:
        psycopg.Error: no connection within 10 s.
    """
    # With SQL_ASCII, and without saying so, psycopg would give bytes in place of texts.
    connection = BoundedConnection.connect(
        dsn,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name=application_name,
        client_encoding="UTF8",
        autocommit=autocommit,
    )
    connection.answer_s = answer_s
    with connection:
        yield connection
