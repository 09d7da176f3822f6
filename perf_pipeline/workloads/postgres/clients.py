"""The connections of all virtual users of a worker, opened before the load.

Add here: how they are opened and closed together. Keep out: what one of them asks (client.py).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import psycopg
from psycopg import pq

from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.workloads.postgres.client import SqlClient
from perf_pipeline.workloads.postgres.errors import address, refused

DSN: Final = "postgres_dsn"
_CONNECTS_AT_ONCE: Final = 10


class Clients:
    """Return each virtual user a client of its own.

    Args:
        context: the context of the worker.
        prepared: name and text of each statement to prepare on every connection.
    """

    def __init__(self, context: WorkerContext, prepared: Sequence[tuple[bytes, bytes]]) -> None:
        self._context, self._prepared = context, prepared
        self._waiting: list[SqlClient] = []
        self._all: list[SqlClient] = []

    @classmethod
    async def open(
        cls, context: WorkerContext, prepared: Sequence[tuple[bytes, bytes]]
    ) -> "Clients":
        """Connect as often as there are VUs.

        Raises:
            TargetUnavailableError: PostgreSQL refuses, or psycopg runs without its C parts.
        """
        refuse_slow_psycopg()
        dsn = context.secrets[DSN]
        address(dsn)
        clients = cls(context, prepared)

        async def connect() -> None:
            client = clients._make()
            await client.connect()
            clients._waiting.append(client)

        refusal = await connect_together(context.vus, connect)
        if refusal is None:
            return clients
        await clients.close()
        if isinstance(refusal, psycopg.Error):
            raise refused(dsn, refusal) from None
        if isinstance(refusal, TimeoutError):
            raise TargetUnavailableError(
                f"PostgreSQL at {address(dsn)} accepts connections and answers nothing"
            ) from None
        raise refusal

    def take(self) -> SqlClient:
        """Return a client that no other virtual user has."""
        return self._waiting.pop() if self._waiting else self._make()

    async def give_up(self, client: SqlClient) -> None:
        """Close the connection of a client that was cut off; its next request opens another."""
        await client.close()

    async def close(self) -> None:
        """Close every connection."""
        clients, self._all, self._waiting = self._all, [], []
        await asyncio.gather(*(client.close() for client in clients))

    def _make(self) -> SqlClient:
        client = SqlClient(self._context, self._context.secrets[DSN], self._prepared)
        self._all.append(client)
        return client


async def connect_together(
    count: int, connect: Callable[[], Awaitable[None]]
) -> BaseException | None:
    """Connect so many times, ten at a time; return the first refusal, None where all succeed."""
    turns = asyncio.Semaphore(_CONNECTS_AT_ONCE)

    async def in_turn() -> None:
        async with turns:
            await connect()

    attempts = (in_turn() for _ in range(count))
    refusals = await asyncio.gather(*attempts, return_exceptions=True)
    return next((refusal for refusal in refusals if refusal is not None), None)


def refuse_slow_psycopg() -> None:
    """Refuse to measure with psycopg in pure Python.

    It takes ten times the CPU a query: it would be measured in PostgreSQL's place.

    Raises:
        TargetUnavailableError: psycopg has no C parts here.
    """
    if pq.__impl__ == "python":
        raise TargetUnavailableError(
            "psycopg runs here without its C parts, so the figures would be psycopg's and not "
            "PostgreSQL's",
            hint="install them with pip install 'psycopg[binary]'",
        )
