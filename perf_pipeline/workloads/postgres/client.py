"""What one virtual user has of PostgreSQL: a connection of its own, and samples of its requests.

Add here: what every request of an own scenario needs. Keep out: which requests there are
(own_sql.py, own_script.py).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import pq

from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.catalog import TRANSACTIONS
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.workloads.postgres.errors import failure_class
from perf_pipeline.workloads.postgres.exchange import SqlSession, connected, rows_of

CONFLICTS: Final = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock, after which a transaction may be run again."""
PREPARE_LIMIT_S: Final = 10.0
_NS_PER_US: Final = 1_000
_OK: Final = Outcome.OK
Request = Callable[[SqlSession], Awaitable[pq.abc.PGresult]]


@dataclass(slots=True)
class SqlAnswer:
    """Hold what came of a request.

    Attributes:
        result: as libpq has it; None where the request failed.
        outcome: of its sample.
        error: class of the error; empty when all is well.
        started_us: when it was sent.
        ended_us: when its answer was complete.
        rows: returned or changed.
    """

    result: pq.abc.PGresult | None
    outcome: Outcome
    error: str
    started_us: int
    ended_us: int
    rows: int

    def forgive(self, left: int) -> None:
        """Count a conflict as answered where it will be run again, as pgbench does.

        Args:
            left: how often it still may be.
        """
        if left and self.error in CONFLICTS:
            self.outcome = _OK


class SqlClient:
    """Ask on a connection of its own, which is opened again where it was lost.

    Args:
        context: of the worker.
        dsn: where to connect.
        prepared: name and text of each statement to prepare on every connection.

    Attributes:
        under_way: operation, start and intended start of the request that has no answer yet.
    """

    __slots__ = ("_clock", "_dsn", "_origin_ns", "_prepared", "_recorder", "session", "under_way")

    def __init__(
        self, context: WorkerContext, dsn: str, prepared: Sequence[tuple[bytes, bytes]]
    ) -> None:
        self._clock, self._recorder = context.clock, context.recorder
        self._origin_ns = context.clock.origin_ns
        self._dsn, self._prepared = dsn, prepared
        self.session: SqlSession | None = None
        self.under_way: tuple[str, int, int] | None = None

    async def connect(self) -> SqlSession:
        """Connect, and prepare all statements.

        Raises:
            psycopg.Error: no connection, or a statement does not fit the target's tables.
            TimeoutError: the server accepts connections and answers nothing.
        """
        session = SqlSession(await connected(self._dsn))
        try:
            for name, text in self._prepared:
                await session.prepare(name, text, PREPARE_LIMIT_S)
        except BaseException:
            await session.close()
            raise
        self.session = session
        return session

    async def close(self) -> None:
        """Close the connection, if there is one."""
        session, self.session = self.session, None
        if session is not None:
            await session.close()

    async def ask(
        self, iteration: Iteration, operation: str, request: Request, intended_us: int
    ) -> SqlAnswer:
        """Make a request; what went wrong is in the answer. `record` writes its sample."""
        started_us = self._clock.now_us()
        self.under_way = operation, started_us, intended_us
        result, outcome, error = None, _OK, ""
        try:
            session = self.session or await self.connect()
            result = await request(session)
        except psycopg.Error as refusal:
            outcome, error = Outcome.FAILED, failure_class(refusal)
            self._note(operation, refusal)
        except TimeoutError:
            outcome, error = Outcome.TIMEOUT, "timeout"
        iteration.has_waited = True
        self.under_way = None
        if result is not None:
            ended_us = (session.answered_ns - self._origin_ns) // _NS_PER_US
            return SqlAnswer(result, outcome, error, started_us, ended_us, rows_of(result))
        answer = SqlAnswer(None, outcome, error, started_us, self._clock.now_us(), 0)
        if self.session is not None and not self.session.is_usable:
            await self.close()
        return answer

    def record(
        self,
        iteration: Iteration,
        operation: str,
        answer: SqlAnswer,
        intended_us: int,
        *,
        bytes_out: int = 0,
        passed: int = 0,
        failed: int = 0,
    ) -> None:
        """Write down the sample of a request."""
        self._recorder.sample(
            iteration,
            operation,
            answer.started_us,
            answer.ended_us,
            answer.outcome,
            intended_us=intended_us,
            error=answer.error,
            bytes_out=bytes_out,
            records=answer.rows,
            checks_passed=passed,
            checks_failed=failed,
        )

    def record_transaction(
        self, iteration: Iteration, name: str, started_us: int, answer: SqlAnswer
    ) -> None:
        """Write down the sample of a whole transaction, which ended with an answer."""
        self._as_transaction(
            iteration, name, started_us, answer.ended_us, answer.outcome, answer.error
        )

    def interrupted(
        self, iteration: Iteration, transaction: str | None, begun_us: int | None
    ) -> None:
        """Write down the request that was under way, and the transaction around it."""
        now_us, under_way = self._clock.now_us(), self.under_way
        self.under_way = None
        if under_way is not None:
            operation, started_us, intended_us = under_way
            self._recorder.sample(
                iteration,
                operation,
                started_us,
                now_us,
                Outcome.INTERRUPTED,
                intended_us=intended_us,
                records=0,
            )
        if transaction is not None and begun_us is not None:
            self._as_transaction(iteration, transaction, begun_us, now_us, Outcome.INTERRUPTED, "")

    def _as_transaction(
        self,
        iteration: Iteration,
        name: str,
        started_us: int,
        ended_us: int,
        outcome: Outcome,
        error: str,
    ) -> None:
        protocol, iteration.protocol = iteration.protocol, TRANSACTIONS
        self._recorder.sample(
            iteration,
            name,
            started_us,
            ended_us,
            outcome,
            error=error,
            records=1 if outcome is _OK else 0,
        )
        iteration.protocol = protocol

    def _note(self, operation: str, refusal: psycopg.Error) -> None:
        said = refusal.diag.message_primary
        if said and refusal.sqlstate not in CONFLICTS:
            self._recorder.note(f"{operation} failed: {KNOWN.mask(said)} ({refusal.sqlstate})")
