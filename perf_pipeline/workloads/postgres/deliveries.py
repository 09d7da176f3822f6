"""What the system's workers have delivered, read from their table after the load.

Add here: another place where a system records its deliveries. Keep out: load.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import psycopg

from perf_pipeline.workloads.postgres.errors import CONNECT_TIMEOUT_S, unavailable

POLL_S: Final = 0.2
_EXISTS: Final = "select to_regclass('message_deliveries') is not null"
_COUNT: Final = (
    "select count(*) from message_deliveries d join users u on u.id = d.user_id where u.email ~ %s"
)
# Through JSON, because a system need not have the columns of the two earlier stations.
_ROWS: Final = """
select d.user_id::text, d.attempts, (extract(epoch from d.completed_at) * 1000000)::bigint,
    (extract(epoch from (to_jsonb(d) ->> 'published_at')::timestamptz) * 1000000)::bigint,
    (extract(epoch from (to_jsonb(d) ->> 'received_at')::timestamptz) * 1000000)::bigint
from message_deliveries d join users u on u.id = d.user_id where u.email ~ %s
order by d.completed_at
"""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """Record that a worker finished its work on the message of a user.

    Attributes:
        user_id: whose message.
        attempts: how often the work was done; more than 1 is a duplicate.
        completed_us: wall clock of the worker's host, µs since 1970, of the first completion.
        published_us: when it was handed to the broker; None where the system does not say.
        received_us: when a worker began its work on it; None where the system does not say.
    """

    user_id: str
    attempts: int
    completed_us: int
    published_us: int | None = None
    received_us: int | None = None


def await_deliveries(
    dsn: str, email_pattern: str, expected: int, timeout_s: float, stop: threading.Event
) -> int | None:
    """Wait until all deliveries are there, or none came for the time given.

    Args:
        dsn: of the system's database.
        email_pattern: regular expression of the users that count.
        expected: how many messages the system promised.
        timeout_s: longest wait without any progress.
        stop: ends the wait.

    Returns:
        How many are there; None when the system has no such table.

    Raises:
        TargetUnavailableError: the database does not answer.
    """
    try:
        with psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S, autocommit=True) as connection:
            if not _scalar(connection, _EXISTS):
                return None
            return _wait(connection, email_pattern, expected, timeout_s, stop)
    except psycopg.Error as error:
        raise unavailable(dsn, error) from None


def read_deliveries(dsn: str, email_pattern: str) -> Iterator[DeliveryRow]:
    """Yield the deliveries in the order of their completion.

    Raises:
        TargetUnavailableError: the database does not answer.
    """
    try:
        with (
            psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S) as connection,
            connection.cursor("deliveries") as cursor,
        ):
            for row in cursor.execute(_ROWS, (email_pattern,)):
                yield DeliveryRow(*row)
    except psycopg.Error as error:
        raise unavailable(dsn, error) from None


def _wait(
    connection: psycopg.Connection,
    pattern: str,
    expected: int,
    timeout_s: float,
    stop: threading.Event,
) -> int:
    arrived = _scalar(connection, _COUNT, pattern)
    deadline = time.monotonic() + timeout_s
    while arrived < expected and time.monotonic() < deadline and not stop.wait(POLL_S):
        before, arrived = arrived, _scalar(connection, _COUNT, pattern)
        if arrived > before:
            deadline = time.monotonic() + timeout_s
    return arrived


def _scalar(connection: psycopg.Connection, query: str, *values: str) -> int:
    row = connection.execute(query, values or None).fetchone()
    assert row is not None
    return int(row[0])
