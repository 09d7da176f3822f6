"""The database benchmark: insert, select, update and soft-delete users, one statement a time.

Each VU has a connection of its own, opened before the load and closed after it, because the
counters of pg_stat arrive when a backend leaves. Parameters (JSON): `run`, `batch` (rows of one
insert), `limit` (of a select), `ids_file` (one id a line); secret: `postgres_dsn`.
Add here: another statement on users. Keep out: seeding (postgres_seeding), pg_stat (probes).
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final

import psycopg

from perf_pipeline.config.defaults import INSERTED_ROWS, SELECTED_ROWS
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.people import EMAIL_DOMAIN, TIMEZONES, created_email, people
from perf_pipeline.workloads.postgres.clients import DSN, refuse_slow_psycopg
from perf_pipeline.workloads.postgres.errors import address, error_class, unavailable
from perf_pipeline.workloads.postgres.statement import CopyConnection, PreparedConnection

_CONNECTS_AT_ONCE: Final = 10
_COPY: Final = (
    "copy users (first_name, last_name, birthday_date, timezone, email, created_at, updated_at) "
    "from stdin"
)
_SELECT: Final = (
    "select id, first_name, last_name, email, birthday_date, timezone from users "
    "where extract(month from birthday_date) = $1::int "
    "and extract(day from birthday_date) = $2::int and deleted_at is null limit $3::int"
)
_UPDATE: Final = "update users set timezone = $1, updated_at = now() where id = $2"
_DELETE: Final = (
    "update users set deleted_at = now(), updated_at = now() where id = $1 and deleted_at is null"
)

_Connection = PreparedConnection | CopyConnection


def select_script(limit: int) -> str:
    """Return the select of `SelectUsers` as a script for pgbench, with days drawn alike."""
    statement = _SELECT.replace("$1", ":month").replace("$2", ":day").replace("$3", f"{limit}")
    return f"\\set month random(1, 12)\n\\set day random(1, 28)\n{statement};\n"


class _OneStatement(ABC):
    """Run one statement per iteration, on a connection that no other VU uses meanwhile."""

    protocol = "postgres"
    checks: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    operation: ClassVar[str]
    statement: ClassVar[str]

    def __init__(self) -> None:
        self._context: WorkerContext | None = None
        self._idle: list[_Connection] = []
        self._lent: set[_Connection] = set()

    async def open(self, context: WorkerContext) -> None:
        """Connect as often as there are VUs, and prepare the statement on each connection.

        Raises:
            TargetUnavailableError: PostgreSQL refuses, or psycopg runs without its C parts.
        """
        refuse_slow_psycopg()
        self._context = context
        address(context.secrets[DSN])
        turns = asyncio.Semaphore(_CONNECTS_AT_ONCE)

        async def connect() -> None:
            async with turns:
                self._idle.append(await self._connect())

        attempts = (connect() for _ in range(context.vus))
        refusals = await asyncio.gather(*attempts, return_exceptions=True)
        for refusal in refusals:
            if isinstance(refusal, BaseException):
                await self.close()
                if isinstance(refusal, psycopg.Error):
                    raise unavailable(context.secrets[DSN], refusal) from None
                raise refusal

    async def iterate(self, iteration: Iteration) -> None:
        """Run the statement once and record it; parameters are made before it starts."""
        context = self._opened
        parameters = self._parameters(iteration)
        started_us = context.clock.now_us()
        outcome, error, rows = Outcome.INTERRUPTED, "", 0
        try:
            rows = await self._run(parameters)
            iteration.has_waited = True
            outcome, error = self._judge(rows)
        except psycopg.Error as refusal:
            outcome, error = Outcome.FAILED, error_class(refusal)
        finally:
            is_ok = outcome is Outcome.OK
            context.recorder.sample(
                iteration,
                self.operation,
                started_us,
                context.clock.now_us(),
                outcome,
                error=error,
                bytes_out=self._bytes_out(parameters) if is_ok else 0,
                records=self._records(rows) if is_ok else 0,
            )

    async def close(self) -> None:
        """Close every connection."""
        while self._idle or self._lent:
            await (self._idle or self._lent).pop().close()

    @property
    def _opened(self) -> WorkerContext:
        assert self._context is not None, "open comes first"
        return self._context

    async def _connect(self) -> _Connection:
        return await PreparedConnection.open(self._opened.secrets[DSN], self.statement)

    async def _run(self, parameters: Sequence[bytes]) -> int:
        connection = await self._lend()
        try:
            return await connection.run(parameters)
        finally:
            self._lent.discard(connection)
            if connection.is_usable:
                self._idle.append(connection)
            else:
                await connection.close()

    async def _lend(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                break
            await connection.close()
        else:
            # An application's pool reconnects on demand and its caller waits: so does a VU.
            connection = await self._connect()
        self._lent.add(connection)
        return connection

    @abstractmethod
    def _parameters(self, iteration: Iteration) -> Sequence[bytes]: ...

    def _judge(self, rows: int) -> tuple[Outcome, str]:
        # A write that met no row was not the write that is to be measured.
        return (Outcome.OK, "") if rows else (Outcome.FAILED, "no_row")

    def _records(self, rows: int) -> int:
        return min(rows, 1)

    def _bytes_out(self, parameters: Sequence[bytes]) -> int:  # noqa: ARG002 - COPY has some
        return 0


class InsertUsers(_OneStatement):
    """Insert one batch of users per iteration: one COPY, one transaction.

    A sample's records are the rows of the batch (`batch`, 1,000), its bytes the COPY's text.
    """

    operation = "insert_users"
    statement = _COPY

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[str] = []

    async def open(self, context: WorkerContext) -> None:
        """Build the seeded part of a batch, then connect.

        Raises:
            TargetUnavailableError: PostgreSQL refuses, or psycopg runs without its C parts.
        """
        run, batch = str(context.parameters["run"]), context.parameters.get("batch", INSERTED_ROWS)
        self._rows = [
            f"{person.first_name}\t{person.last_name}\t{person.birthday}\t{person.timezone}"
            for person in people(context.seed, run, int(batch))
        ]
        await super().open(context)

    async def _connect(self) -> CopyConnection:
        return await CopyConnection.open(self._opened.secrets[DSN], self.statement)

    def _parameters(self, iteration: Iteration) -> Sequence[bytes]:
        # Row n of iteration i has the number i * batch + n of its VU: unique in the run.
        run, first = str(self._opened.parameters["run"]), iteration.number * len(self._rows)
        last = first + len(self._rows) - 1
        email = created_email(run, iteration.scenario, iteration.vu, last)
        local = email.removesuffix(f"{last}@{EMAIL_DOMAIN}")
        lines = (
            f"{row}\t{local}{number}@{EMAIL_DOMAIN}\tnow\tnow\n"
            for number, row in enumerate(self._rows, first)
        )
        return ("".join(lines).encode(),)

    def _records(self, rows: int) -> int:
        return rows

    def _bytes_out(self, parameters: Sequence[bytes]) -> int:
        return sum(map(len, parameters))


class SelectUsers(_OneStatement):
    """Select users by month and day of birth; the day comes from the iteration's random.

    A sample counts one record a query, however many rows come; `limit` (100) bounds them.
    """

    operation = "select_users"
    statement = _SELECT

    def _parameters(self, iteration: Iteration) -> Sequence[bytes]:
        month, day = iteration.random.randint(1, 12), iteration.random.randint(1, 28)
        limit = int(self._opened.parameters.get("limit", SELECTED_ROWS))
        return b"%d" % month, b"%d" % day, b"%d" % limit

    def _judge(self, rows: int) -> tuple[Outcome, str]:  # noqa: ARG002 - no match is an answer
        return Outcome.OK, ""

    def _records(self, rows: int) -> int:  # noqa: ARG002 - a query, not its rows
        return 1


class _ById(_OneStatement):
    """Take the ids of `ids_file` that belong to this worker, in order, and then again."""

    def __init__(self) -> None:
        super().__init__()
        self._ids: list[bytes] = []
        self._next = 0

    async def open(self, context: WorkerContext) -> None:
        """Read this worker's ids: every n-th line, from its own number on; then connect.

        Raises:
            TargetUnavailableError: PostgreSQL refuses, or no id is left for this worker.
        """
        path = Path(context.parameters["ids_file"])
        lines = path.read_bytes().split()  # noqa: ASYNC240 - before the load, nothing else runs
        self._ids = lines[context.worker :: context.workers]
        if not self._ids:
            raise TargetUnavailableError(
                f"{path.name} has {len(lines)} ids, too few for {context.workers} workers",
                hint="seed more users, or give this scenario a larger share of them",
            )
        await super().open(context)

    def _next_id(self) -> bytes:
        taken = self._ids[self._next % len(self._ids)]
        self._next += 1
        return taken


class UpdateUsers(_ById):
    """Set time zone and updated_at of one user, by id."""

    operation = "update_users"
    statement = _UPDATE

    def _parameters(self, iteration: Iteration) -> Sequence[bytes]:
        return iteration.random.choice(TIMEZONES).encode(), self._next_id()


class DeleteUsers(_ById):
    """Soft-delete one user, by id; one that is deleted already fails with `no_row`."""

    operation = "delete_users"
    statement = _DELETE

    def _parameters(self, iteration: Iteration) -> Sequence[bytes]:  # noqa: ARG002 - ids decide
        return (self._next_id(),)
