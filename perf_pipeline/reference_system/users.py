"""Run the API's SQL in PostgreSQL: one statement and one round trip per request.

Add here: a statement of the API. Keep out: HTTP, the cache, and the relay's and worker's SQL.
"""

import asyncio
import logging
from datetime import UTC, date, datetime
from typing import NamedTuple

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from perf_pipeline.reference_system.messages import next_send_time
from perf_pipeline.reference_system.server_timing import database_time
from perf_pipeline.reference_system.user_input import NewUser

Pool = AsyncConnectionPool[psycopg.AsyncConnection[TupleRow]]

# User and message stand or fall together: one statement is one transaction.
_ADD = """
with new_user as (
    insert into users (first_name, last_name, email, birthday_date, timezone)
    values (%s, %s, %s, %s, %s)
    on conflict (email) do nothing
    returning id, created_at
), message as (
    insert into outbox (user_id, scheduled_send_time, content)
    select id, %s, %s from new_user
)
select id, created_at from new_user
"""
_FIND = """
select id, first_name, last_name, email, birthday_date, timezone, created_at, updated_at
from users where id = %s and deleted_at is null
"""
_REMOVE = """
update users set deleted_at = now(), updated_at = now()
where id = %s and deleted_at is null
returning id
"""

_log = logging.getLogger(__name__)


class User(NamedTuple):
    """Hold one row of `users` that is not deleted, in the order of the select list."""

    id: int
    first_name: str
    last_name: str
    email: str
    birthday_date: date
    timezone: str
    created_at: datetime
    updated_at: datetime


class Users:
    """Add, find and remove users through a pool of autocommitting connections.

    Every method raises psycopg.OperationalError while the database is down or no connection
    gets free in time.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._added = asyncio.Event()

    async def add(self, new: NewUser) -> User | None:
        """Insert a user and its message together; None when the email is taken."""
        due = next_send_time(new.birthday_date, new.timezone, datetime.now(UTC))
        content = f"Hey, {new.first_name} {new.last_name} it's your birthday"
        parameters = (
            new.first_name,
            new.last_name,
            new.email,
            new.birthday_date,
            new.timezone,
            due,
            content,
        )
        row = await self._one(_ADD, parameters)
        if row is None:
            return None
        self._added.set()
        return User(row[0], *parameters[:5], created_at=row[1], updated_at=row[1])

    async def find(self, user_id: int) -> User | None:
        """Read a user; None when there is none or it is deleted."""
        row = await self._one(_FIND, (user_id,))
        return User(*row) if row else None

    async def remove(self, user_id: int) -> bool:
        """Delete a user softly; False when there is none or it is deleted already."""
        return await self._one(_REMOVE, (user_id,)) is not None

    async def ping(self) -> None:
        """Ask the database for nothing, to learn that it answers."""
        await self._one("select 1", ())

    async def wake_relay(self) -> None:
        """Tell the relay about new messages until cancelled.

        Not from within the insert: NOTIFY holds a lock over the whole commit, so that inserts
        would flush their WAL one after the other. Here many inserts share one NOTIFY, and one
        that is lost costs no more than the relay's polling interval.
        """
        while True:
            await self._added.wait()
            self._added.clear()
            try:
                await self._one("notify outbox", ())
            except psycopg.OperationalError as error:
                _log.debug("the relay was not notified and will poll: %s", error)

    async def drop_broken_connections(self) -> None:
        """Replace the connections that a restart of the database has left broken."""
        await self._pool.check()

    async def _one(self, query: str, parameters: tuple[object, ...]) -> TupleRow | None:
        with database_time():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(query, parameters, prepare=True, binary=True)
                return await cursor.fetchone() if cursor.description else None
