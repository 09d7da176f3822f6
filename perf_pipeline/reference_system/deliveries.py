"""Write into PostgreSQL, in batches, that the worker has sent messages; repeating it does no harm.

Add here: the worker's SQL. Keep out: the broker, and the order of offsets.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow

from perf_pipeline.reference_system.patience import Patience

# The join leaves out messages whose user was removed meanwhile; the first completion stands.
_RECORD = """
insert into message_deliveries
    (message_id, user_id, attempts, completed_at, published_at, received_at)
select sent.message_id, sent.user_id, sent.attempts, sent.completed_at, sent.published_at,
    sent.received_at
from unnest(%s::uuid[], %s::bigint[], %s::integer[], %s::timestamptz[], %s::timestamptz[],
    %s::timestamptz[])
    as sent (message_id, user_id, attempts, completed_at, published_at, received_at)
join users on users.id = sent.user_id
on conflict (message_id) do update
set attempts = message_deliveries.attempts + excluded.attempts
"""
_RETRY_S = 0.5

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Say that a message was sent.

    Attributes:
        message_id: the message.
        user_id: its user.
        completed_at: end of the sending by this host's wall clock, UTC.
        published_at: when the relay handed it to the broker, by the relay's wall clock.
        received_at: begin of the sending; what waits for a free sender is not received yet.
        attempts: how many attempts this record covers.
    """

    message_id: UUID
    user_id: int
    completed_at: datetime
    published_at: datetime | None = None
    received_at: datetime | None = None
    attempts: int = 1


def merge(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Return one delivery per message, in order: attempts added up, the first completion kept.

    PostgreSQL refuses a statement that would upsert the same row twice.
    """
    merged: dict[UUID, Delivery] = {}
    for delivery in deliveries:
        known = merged.get(delivery.message_id)
        merged[delivery.message_id] = delivery if known is None else _joined(known, delivery)
    return list(merged.values())


def _joined(known: Delivery, later: Delivery) -> Delivery:
    first = min(known, later, key=lambda delivery: delivery.completed_at)
    return replace(first, attempts=known.attempts + later.attempts)


class DeliveryLog:
    """Write deliveries over one connection, which is opened again whenever it is lost.

    Attributes:
        recorded: rows written or counted up since the start.
    """

    def __init__(self, postgres_dsn: str) -> None:
        self._postgres_dsn = postgres_dsn
        self._connection: psycopg.AsyncConnection[TupleRow] | None = None
        self._patience = Patience()
        self.recorded = 0

    async def record(self, deliveries: Iterable[Delivery]) -> None:
        """Write deliveries; comes back only when they are committed, however long that takes.

        When a connection is lost between commit and answer, the repetition counts one attempt
        too many: attempts errs upwards, never downwards.
        """
        rows = merge(deliveries)
        columns = [
            [row.message_id for row in rows],
            [row.user_id for row in rows],
            [row.attempts for row in rows],
            [row.completed_at for row in rows],
            [row.published_at for row in rows],
            [row.received_at for row in rows],
        ]
        while True:
            try:
                connection = await self._connect()
                cursor = await connection.execute(_RECORD, columns, prepare=True)
            except psycopg.errors.ForeignKeyViolation:
                continue  # a user was removed between join and insert: the next join misses it
            except psycopg.OperationalError as error:
                self._patience.failed(error)
                _log.warning("PostgreSQL: %s; trying again", " ".join(str(error).split()))
                await asyncio.sleep(_RETRY_S)
            else:
                self.recorded += cursor.rowcount
                return

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()

    async def _connect(self) -> psycopg.AsyncConnection[TupleRow]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._postgres_dsn,
                autocommit=True,
                connect_timeout=self._patience.seconds,
                client_encoding="UTF8",
            )
            self._patience.was_enough()
        return self._connection
