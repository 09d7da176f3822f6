"""What the system's workers have delivered, read from their table after the load.

The rows are the system's own, so they may hold anything: what can't be used is reported, and is no
delivery.
Add here: another place where a system records its deliveries. Keep out: load.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.workloads.postgres.bounded import bounded_connection
from perf_pipeline.workloads.postgres.errors import address, unavailable

POLL_S: Final = 0.2
MOST_ATTEMPTS: Final = 1_000
"""More of one message are not counted: each is an entry of the ledger."""

_APPLICATION: Final = "perf_pipeline deliveries"
_MOST_SHOWN: Final = 60
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_EXISTS: Final = "select to_regclass('message_deliveries') is not null"
_COUNT: Final = (
    "select count(*) from message_deliveries d join users u on u.id = d.user_id where u.email ~ %s"
)
# Through JSON, because a system need not have the columns of the two earlier stations, and because
# no value of a row may end the reading of the others: a cast to a number or a time would.
_ROWS: Final = """
select d.user_id::text, found ->> 'attempts', found ->> 'completed_at', found ->> 'published_at',
    found ->> 'received_at'
from message_deliveries d join users u on u.id = d.user_id cross join lateral to_jsonb(d) as found
where u.email ~ %s
order by d.completed_at, d.attempts
"""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """Record that a worker finished its work on the message of a user.

    Attributes:
        user_id: whose message.
        attempts: how often the work was done; more than 1 is a duplicate.
        completed_us: wall clock of the worker's host, µs since 1970, of the first completion; None
            where the row does not tell of any.
        published_us: when it was handed to the broker; None where the system does not say.
        received_us: when a worker began its work on it; None where the system does not say.
        oddity: what of the row could not be used; empty where all could.
    """

    user_id: str
    attempts: int
    completed_us: int | None
    published_us: int | None = None
    received_us: int | None = None
    oddity: str = ""


def require_readable_deliveries(dsn: str) -> None:
    """See before a load that the deliveries could be read after it; a missing table is no error.

    Raises:
        TargetUnavailableError: the database does not answer, or the table has other columns.
    """
    try:
        with bounded_connection(dsn, _APPLICATION) as connection:
            if _scalar(connection, _EXISTS):
                connection.execute(f"explain {_ROWS}", ("",))
    except (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedFunction) as error:
        raise TargetUnavailableError(
            f"table message_deliveries of PostgreSQL at {address(dsn)} can't be read: "
            f"{error.diag.message_primary}",
            hint=(
                "it needs the columns user_id (with the type of users.id), attempts and "
                "completed_at (docs/reference-system.md)"
            ),
        ) from None
    except psycopg.Error as error:
        raise unavailable(dsn, error) from None


def await_deliveries(
    dsn: str,
    email_pattern: str,
    expected: int,
    timeout_s: float,
    stop: threading.Event,
    look: Callable[[], None] = lambda: None,
) -> int | None:
    """Wait until all deliveries are there, or none came for the time given.

    Args:
        dsn: the DSN of the system's database.
        email_pattern: regular expression of the users that count.
        expected: how many messages the system promised.
        timeout_s: longest wait without any progress.
        stop: ends the wait.
        look: is called a few times a second while deliveries are missing.

    Returns:
        How many are there; None when the system has no such table.

    Raises:
        TargetUnavailableError: the database does not answer.
    """
    try:
        with bounded_connection(dsn, _APPLICATION) as connection:
            if not _scalar(connection, _EXISTS):
                return None
            return _wait(connection, email_pattern, expected, timeout_s, stop, look)
    except psycopg.Error as error:
        raise unavailable(dsn, error) from None


def read_deliveries(dsn: str, email_pattern: str) -> Iterator[DeliveryRow]:
    """Yield the deliveries in the order of their completion, odd ones among them.

    Raises:
        TargetUnavailableError: the database does not answer.
    """
    try:
        with (
            bounded_connection(dsn, _APPLICATION, autocommit=False) as connection,
            connection.cursor("deliveries") as cursor,
        ):
            for row in cursor.execute(_ROWS, (email_pattern,)):
                yield _delivery(*row)
    except psycopg.Error as error:
        raise unavailable(dsn, error) from None


def _delivery(
    user_id: str,
    attempts: str | None,
    completed: str | None,
    published: str | None,
    received: str | None,
) -> DeliveryRow:
    """Make a delivery of a row; a completion that is not there yet is nothing odd."""
    odd = list[str]()

    def moment_us(name: str, written: str | None) -> int | None:
        if written is None:
            return None
        at_us = _us_of(written)
        if at_us is None:
            odd.append(f"{name} is {written[:_MOST_SHOWN]!r}")
        return at_us

    count = _whole_number(attempts)
    if not 1 <= count <= MOST_ATTEMPTS:
        odd.append(f"attempts is {'null' if attempts is None else attempts[:_MOST_SHOWN]}")
    return DeliveryRow(
        user_id,
        min(max(1, count), MOST_ATTEMPTS),
        moment_us("completed_at", completed),
        moment_us("published_at", published),
        moment_us("received_at", received),
        ", ".join(odd),
    )


def _us_of(written: str) -> int | None:
    """Read a time as PostgreSQL's JSON writes it, µs since 1970; None for `infinity` and the like.

    A time without a zone is taken for UTC, as PostgreSQL's epoch of one is.

    >>> _us_of("1970-01-01T01:00:00.000002+01:00"), _us_of("infinity"), _us_of("0044-03-15 BC")
    (2, None, None)
    """
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // _MICROSECOND


def _whole_number(written: str | None) -> int:
    """Read a number of attempts; 0 where it is none."""
    text = (written or "").strip()
    return int(text) if text.isdecimal() and len(text) < len(str(2**63)) else 0


def _wait(
    connection: psycopg.Connection,
    pattern: str,
    expected: int,
    timeout_s: float,
    stop: threading.Event,
    look: Callable[[], None],
) -> int:
    arrived = _scalar(connection, _COUNT, pattern)
    deadline = time.monotonic() + timeout_s
    while arrived < expected and time.monotonic() < deadline and not stop.wait(POLL_S):
        look()
        before, arrived = arrived, _scalar(connection, _COUNT, pattern)
        if arrived > before:
            deadline = time.monotonic() + timeout_s
    return arrived


def _scalar(connection: psycopg.Connection, query: str, *values: str) -> int:
    row = connection.execute(query, values or None).fetchone()
    assert row is not None
    return int(row[0])
