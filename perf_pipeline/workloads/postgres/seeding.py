"""Seeded users in PostgreSQL: loaded by COPY, their ids handed out, removed without a trace.

Runs in the driver, before and after load. Add here: another data set that benchmarks share.
Keep out: measured statements (postgres_users), and every row that this product did not make.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Any, Final, TypeVar

import psycopg

from perf_pipeline.errors import StoppedByUserError
from perf_pipeline.workloads.people import EMAIL_DOMAIN, Person, people
from perf_pipeline.workloads.postgres.bounded import bounded_connection
from perf_pipeline.workloads.postgres.errors import address, unavailable

T = TypeVar("T")

CLEAN_BATCH_ROWS: Final = 10_000
_ASK_EVERY: Final = 1_000
BIRTHDAY_INDEX: Final = "perf_pipeline_users_month_day"

# A worker of an aborted run may still hold rows; waiting for it for ever would look like a hang.
_LOCK_TIMEOUT: Final = "set lock_timeout = '30s'"
_OWN: Final = f"%@{EMAIL_DOMAIN}"
# Pages through the primary key: one pass over the table, short transactions, any id type.
_FIRST_PAGE: Final = "select id from users where email like %(own)s order by id limit %(rows)s"
_NEXT_PAGE: Final = (
    "select id from users where email like %(own)s and id > %(after)s order by id limit %(rows)s"
)
_DELETE: Final = "delete from users where id = any(%s)"
# COPY sets both times to one value, so a row with different ones was updated since.
_INTACT: Final = (
    "select id::text from users where email = any(%s) and deleted_at is null "
    'and updated_at = created_at order by email collate "C"'
)
_DELETE_EMAILS: Final = "delete from users where email = any(%s)"
_COPY: Final = (
    "copy users (first_name, last_name, email, birthday_date, timezone, created_at, updated_at) "
    "from stdin"
)
_IDS: Final = 'select id::text from users where email = any(%s) order by email collate "C"'
_INDEXES: Final = (
    "select lower(pg_get_indexdef(indexrelid, 1, true)), "
    "lower(pg_get_indexdef(indexrelid, 2, true)), "
    "coalesce(lower(pg_get_expr(indpred, indrelid)), ''), indexrelid::regclass::text "
    "from pg_index where indrelid = 'users'::regclass and indisvalid and indnkeyatts >= 2"
)
_CREATE_INDEX: Final = (
    f"create index if not exists {BIRTHDAY_INDEX} on users "
    "((extract(month from birthday_date)), (extract(day from birthday_date))) "
    "where deleted_at is null"
)
_DROP_INDEX: Final = f"drop index if exists {BIRTHDAY_INDEX}"


@dataclass(frozen=True, slots=True)
class SeededRows:
    """Describe the data set that is now in the table.

    Attributes:
        ids: the ids of all its users, as text, in the order of their emails.
        inserted: rows that this call loaded; 0 when the data set was already there, untouched.
        rows_per_s: the rate of the COPY with its commit; 0 when nothing was inserted.
    """

    ids: tuple[str, ...]
    inserted: int
    rows_per_s: float


def clean(dsn: str) -> int:
    """Remove every user that this product ever made and give their number.

    Only rows whose email ends with @perf-pipeline.invalid go, whichever run they are of, so
    that a run cleans up after an aborted one. Batches of 10,000 rows, one transaction each.

    Raises:
        TargetUnavailableError: no connection, no table, no privilege, or rows locked for 30 s.
    """
    removed = 0
    with _connected(dsn) as connection:
        for ids in _own_pages(connection):
            removed += connection.execute(_DELETE, (ids,)).rowcount
    return removed


def seed(
    dsn: str, *, seed: int, run: str, count: int, is_over: Callable[[], bool] = lambda: False
) -> SeededRows:
    """Load the users of a run by COPY; called again for the same run, it gives the same set.

    A data set that is complete and untouched is kept with its ids; otherwise its rows are
    replaced as a whole. Afterwards the table is analysed, where the role may do that.

    Args:
        dsn: the DSN of the database.
        seed: the seed of the run.
        run: its id, a part of the emails.
        count: the number of users.
        is_over: says whether the user has stopped the run; asked every 1,000 users.

    Raises:
        TargetUnavailableError: no connection, no table, no privilege, or rows locked for 30 s.
        StoppedByUserError: stopped meanwhile; none of the new rows is there.
    """
    persons = list(_until_stopped(people(seed, run, count), is_over))
    emails = [person.email for person in persons]
    with _connected(dsn) as connection:
        ids = _column(connection, _INTACT, emails)
        if len(ids) == count:
            return SeededRows(tuple(ids), inserted=0, rows_per_s=0.0)
        with connection.transaction():
            connection.execute(_DELETE_EMAILS, (emails,))
        began_ns = time.monotonic_ns()
        with connection.transaction():
            _copy(connection, _until_stopped(persons, is_over))
        took_s = max(1, time.monotonic_ns() - began_ns) / 1e9
        # To a role that may not, PostgreSQL answers with a warning, not with an error.
        connection.execute("analyze users")
        ids = _column(connection, _IDS, emails)
    return SeededRows(tuple(ids), inserted=count, rows_per_s=count / took_s)


def split_ids(ids: Sequence[T], shares: Mapping[str, float], *, seed: int) -> dict[str, list[T]]:
    """Deal ids into disjoint sets chosen by the seed; the same arguments give the same sets.

    Args:
        ids: the data set.
        shares: per set an int (that many ids) or a float (that part of all ids, rounded down).
        seed: the seed of the run.

    Raises:
        ValueError: the shares want more ids than there are, or a negative number of them.
    """
    sizes = {
        name: int(len(ids) * share) if isinstance(share, float) else share
        for name, share in shares.items()
    }
    if sum(sizes.values()) > len(ids) or min(sizes.values(), default=0) < 0:
        raise ValueError(f"there are only {len(ids)} ids to share out as {sizes}; seed more users")
    shuffled = list(ids)
    Random(f"split/{seed}").shuffle(shuffled)
    rest = iter(shuffled)
    return {name: list(islice(rest, size)) for name, size in sizes.items()}


def ensure_birthday_index(dsn: str) -> bool:
    """Make the expression index on month and day and say whether this call made it.

    An index that does the same, under whatever name, is left alone and makes ours superfluous.

    Raises:
        TargetUnavailableError: no connection, no table or no privilege.
    """
    with _connected(dsn) as connection:
        if _birthday_indexes(connection):
            return False
        # An index that a broken attempt left invalid has our name and would satisfy "if not
        # exists" without ever being used.
        connection.execute(_DROP_INDEX)
        connection.execute(_CREATE_INDEX)
        # An expression index has no statistics before an analyze.
        connection.execute("analyze users")
    return True


def drop_birthday_index(dsn: str) -> str:
    """Remove our expression index, and only ours; return the name of one that does the same.

    It is empty where the table has none any more.

    Raises:
        TargetUnavailableError: no connection or no privilege.
    """
    with _connected(dsn) as connection:
        connection.execute(_DROP_INDEX)
        return next(iter(_birthday_indexes(connection)), "")


def _birthday_indexes(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute(_INDEXES).fetchall()
    return [name for *definition, name in rows if _selects_birthdays(*definition)]


@contextmanager
def _connected(dsn: str) -> Iterator[psycopg.Connection]:
    address(dsn)
    try:
        with bounded_connection(dsn, "perf_pipeline seeding") as connection:
            connection.execute(_LOCK_TIMEOUT)
            yield connection
    except psycopg.Error as error:
        # The original holds libpq's own text, which may quote the DSN.
        raise unavailable(dsn, error) from None


def _own_pages(connection: psycopg.Connection) -> Iterator[list[Any]]:
    query, after = _FIRST_PAGE, None
    while True:
        values = {"own": _OWN, "rows": CLEAN_BATCH_ROWS, "after": after}
        ids = [row[0] for row in connection.execute(query, values)]
        if not ids:
            return
        yield ids
        query, after = _NEXT_PAGE, ids[-1]


def _column(connection: psycopg.Connection, query: str, emails: list[str]) -> list[str]:
    return [row[0] for row in connection.execute(query, (emails,))]


def _until_stopped(persons: Iterable[Person], is_over: Callable[[], bool]) -> Iterator[Person]:
    for number, person in enumerate(persons):
        if number % _ASK_EVERY == 0 and is_over():
            raise StoppedByUserError("stopped during seeding, before any load")
        yield person


def _copy(connection: psycopg.Connection, persons: Iterable[Person]) -> None:
    with connection.cursor().copy(_COPY) as copy:
        for person in persons:
            copy.write_row(
                (
                    person.first_name,
                    person.last_name,
                    person.email,
                    person.birthday,
                    person.timezone,
                    "now",
                    "now",
                )
            )


def _selects_birthdays(first: str, second: str, predicate: str) -> bool:
    # PostgreSQL <= 13 spells extract as date_part.
    month = ("extract(month from birthday_date)", "date_part('month'::text, birthday_date)")
    day = ("extract(day from birthday_date)", "date_part('day'::text, birthday_date)")
    in_order = first in month and second in day
    reversed_order = first in day and second in month
    return (in_order or reversed_order) and predicate in {"", "(deleted_at is null)"}
