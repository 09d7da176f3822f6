"""What the database benchmark's statements share: a connection per VU, one sample per iteration.

Add here: what every one of them needs. Keep out: the statements (users.py, new_users.py).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final

import psycopg

from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.postgres.clients import DSN, connect_together, refuse_slow_psycopg
from perf_pipeline.workloads.postgres.errors import address, error_class, unavailable
from perf_pipeline.workloads.postgres.statement import CopyConnection, PreparedConnection
from perf_pipeline.workloads.postgres.statement_runs import RepeatedStatement, StatementRuns
from perf_pipeline.workloads.postgres.turns import Turns

_Connection = PreparedConnection | CopyConnection
_OK: Final = Outcome.OK
_INTERRUPTED: Final = Outcome.INTERRUPTED
GOOD: Final = (Outcome.OK, "")
_NO_ROW: Final = (Outcome.FAILED, "no_row")
_NS_PER_US: Final = 1_000


class OneStatement(ABC):
    """Run one statement per iteration, on a connection that no other VU uses meanwhile."""

    protocol = "postgres"
    checks: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    operation: ClassVar[str]
    statement: ClassVar[str]
    is_plain: ClassVar[bool] = True
    """Whether samples have times and records alone."""

    def __init__(self) -> None:
        self._context: WorkerContext | None = None
        self._idle: list[_Connection] = []
        self._lent: set[_Connection] = set()
        self._repeated: RepeatedStatement | None = None

    async def open(self, context: WorkerContext) -> None:
        """Connect as often as there are VUs, and prepare the statement on each connection.

        Raises:
            TargetUnavailableError: PostgreSQL refuses, or psycopg runs without its C parts.
        """
        refuse_slow_psycopg()
        self._context = context
        address(context.secrets[DSN])

        async def connect() -> None:
            self._idle.append(await self._connect())

        refusal = await connect_together(context.vus, connect)
        if refusal is None:
            return
        await self.close()
        if isinstance(refusal, psycopg.Error):
            raise unavailable(context.secrets[DSN], refusal) from None
        raise refusal

    async def iterate(self, iteration: Iteration) -> None:
        """Run the statement once and record it; parameters are made before it starts."""
        clock = self._opened.clock
        parameters = self._parameters(iteration)
        started_us, ended_us = clock.now_us(), None
        outcome, error, rows = _INTERRUPTED, "", 0
        connection = self._idle.pop() if self._idle else None
        runs: StatementRuns | None = None
        try:
            if connection is None or not connection.is_usable:
                connection = await self._replaced(connection)
            self._lent.add(connection)
            if self.is_plain and isinstance(connection, PreparedConnection):
                runs = StatementRuns(self._repeated_in(iteration), connection, started_us)
                rows = await runs.run(iteration, parameters)
            else:
                rows = await connection.run(parameters)
            ended_us = (connection.answered_ns - clock.origin_ns) // _NS_PER_US
            iteration.has_waited = True
            outcome, error = self._judge(rows)
        except psycopg.Error as refusal:
            outcome, error = Outcome.FAILED, error_class(refusal)
        finally:
            if runs is None or not runs.is_written:
                is_ok = outcome is _OK
                self._opened.recorder.sample(
                    iteration,
                    self.operation,
                    started_us if runs is None else runs.started_us,
                    clock.now_us() if ended_us is None else ended_us,
                    outcome,
                    error=error,
                    bytes_out=self._bytes_out(parameters) if is_ok else 0,
                    records=self._records(rows) if is_ok else 0,
                )
            if connection is not None:
                await self._give_back(connection)

    async def _give_back(self, connection: _Connection) -> None:
        self._lent.discard(connection)
        if connection.is_usable:
            self._idle.append(connection)
        else:
            await connection.close()

    def _repeated_in(self, iteration: Iteration) -> RepeatedStatement:
        """Return the statement as all virtual users of a scenario run it."""
        if self._repeated is None:
            context = self._opened
            series = context.recorder.series(iteration.scenario, iteration.protocol, self.operation)
            self._repeated = RepeatedStatement(
                context.clock, Turns(), series, self._parameters, self._records_if_good
            )
        return self._repeated

    def _records_if_good(self, rows: int) -> int | None:
        return self._records(rows) if self._judge(rows) is GOOD else None

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

    async def _replaced(self, broken: _Connection | None) -> _Connection:
        """Return a connection in place of a broken one, or of none."""
        if broken is not None:
            await broken.close()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                return connection
            await connection.close()
        # An application's pool reconnects on demand and its caller waits: so does a VU.
        return await self._connect()

    @abstractmethod
    def _parameters(self, iteration: Iteration) -> Sequence[bytes]: ...

    def _judge(self, rows: int) -> tuple[Outcome, str]:
        # A write that met no row was not the write that is to be measured.
        return GOOD if rows else _NO_ROW

    def _records(self, rows: int) -> int:
        return min(rows, 1)

    def _bytes_out(self, parameters: Sequence[bytes]) -> int:  # noqa: ARG002 - COPY has some
        return 0
