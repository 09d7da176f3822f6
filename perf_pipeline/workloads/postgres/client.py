"""Give one virtual user its own connection to PostgreSQL, and samples of its requests.

Add here: what every request of an own scenario needs. Keep out: which requests there are
(own_sql.py, own_script.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import pq

from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.catalog import TRANSACTIONS
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.secrecy.known import KNOWN
from perf_pipeline.workloads.postgres.errors import failure_class
from perf_pipeline.workloads.postgres.exchange import Values, connected, rows_of
from perf_pipeline.workloads.postgres.sql_session import SqlSession

CONFLICTS: Final = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock, after which a transaction may be run again."""
PREPARE_LIMIT_S: Final = 10.0
_NS_PER_US: Final = 1_000
# Looking up a member of an Enum takes 0.1 µs on Python 3.11.
_OK: Final = Outcome.OK
_NO_CHECKS: Final = (0, 0)


@dataclass(frozen=True, slots=True)
class Request:
    """Hold a request that is made repeatedly.

    Attributes:
        operation: names its samples.
        send: sends a text, or the name of a prepared statement, with values and a time limit in s.
        text: what `send` is given, where it is the same each time.
        timeout_s: the timeout of its answer.
    """

    operation: str
    send: Callable[[SqlSession, bytes, Values, float], None]
    text: bytes
    timeout_s: float


@dataclass(slots=True)
class SqlAnswer:
    """Hold what came of a request.

    Attributes:
        result: as libpq has it; None where the request failed.
        outcome: the outcome of its sample.
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


Judge = Callable[[SqlAnswer], tuple[int, int]]
"""Turns an answer that is not what was expected into a failure; gives the masks of the checks that
passed and failed."""


class SqlClient:
    """Ask on a connection of its own, which is opened again where it was lost.

    Args:
        context: the context of the worker.
        dsn: where to connect.
        prepared: name and text of each statement to prepare on every connection.
    """

    __slots__ = ("_clock", "_dsn", "_origin_ns", "_prepared", "_recorder", "session")

    def __init__(
        self, context: WorkerContext, dsn: str, prepared: Sequence[tuple[bytes, bytes]]
    ) -> None:
        self._clock, self._recorder = context.clock, context.recorder
        self._origin_ns = context.clock.origin_ns
        self._dsn, self._prepared = dsn, prepared
        self.session: SqlSession | None = None

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
        self,
        iteration: Iteration,
        request: Request,
        values: Values,
        intended_us: int,
        left: int,
        *,
        text: bytes | None = None,
        bytes_out: int = 0,
        judge: Judge | None = None,
    ) -> SqlAnswer:
        """Make a request and write its sample; what went wrong is in the answer.

        Args:
            iteration: it belongs to.
            request: the request.
            values: the values of its parameters.
            intended_us: when it was to start.
            left: how often it may be run again after a conflict, which then counts as answered.
            text: what is sent this time, where that is not the same each time.
            bytes_out: what the sample says was sent.
            judge: what is expected of the answer.
        """
        started_us = self._clock.now_us()
        try:
            session = self.session or await self.connect()
            coming = session.expect_answer()
            request.send(session, request.text if text is None else text, values, request.timeout_s)
            result = await coming
        except (psycopg.Error, TimeoutError) as refusal:
            answer = self._refused(request.operation, started_us, refusal, left)
        except BaseException:
            self.cut_off(iteration, request.operation, intended_us, started_us)
            raise
        else:
            ended_us = (session.answered_ns - self._origin_ns) // _NS_PER_US
            answer = SqlAnswer(result, _OK, "", started_us, ended_us, rows_of(result))
        iteration.has_waited = True
        checks = _NO_CHECKS if judge is None else judge(answer)
        self.record(iteration, request.operation, answer, intended_us, bytes_out, checks)
        if answer.result is None and self.session is not None and not self.session.is_usable:
            await self.close()
        return answer

    def cut_off(
        self, iteration: Iteration, operation: str, intended_us: int, started_us: int
    ) -> None:
        """Write down a request whose answer nobody awaits any more."""
        now_us = self._clock.now_us()
        answer = SqlAnswer(None, Outcome.INTERRUPTED, "", started_us, now_us, 0)
        self.record(iteration, operation, answer, intended_us, 0, _NO_CHECKS)

    def failed(
        self,
        iteration: Iteration,
        operation: str,
        intended_us: int,
        started_us: int,
        refusal: Exception,
        *,
        bytes_out: int = 0,
        checks: tuple[int, int] = _NO_CHECKS,
    ) -> SqlAnswer:
        """Write down a request that failed, and give what came of it."""
        answer = self._refused(operation, started_us, refusal, 0)
        self.record(iteration, operation, answer, intended_us, bytes_out, checks)
        return answer

    def record_transaction(
        self,
        iteration: Iteration,
        name: str,
        started_us: int,
        ended_us: int,
        outcome: Outcome,
        error: str,
    ) -> None:
        """Write down the sample of a whole transaction."""
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

    def interrupted(self, iteration: Iteration, name: str | None, begun_us: int | None) -> None:
        """Write down the transaction that was under way, if there is one."""
        if name is not None and begun_us is not None:
            now_us = self._clock.now_us()
            self.record_transaction(iteration, name, begun_us, now_us, Outcome.INTERRUPTED, "")

    def record(
        self,
        iteration: Iteration,
        operation: str,
        answer: SqlAnswer,
        intended_us: int,
        bytes_out: int,
        checks: tuple[int, int],
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
            checks_passed=checks[0],
            checks_failed=checks[1],
        )

    def _refused(self, operation: str, started_us: int, refusal: Exception, left: int) -> SqlAnswer:
        """Return what came of a request that failed."""
        ended_us = self._clock.now_us()
        if not isinstance(refusal, psycopg.Error):
            return SqlAnswer(None, Outcome.TIMEOUT, "timeout", started_us, ended_us, 0)
        self._note(operation, refusal)
        error = failure_class(refusal)
        # A conflict counts as answered where it will be run again, as in pgbench.
        outcome = _OK if left and error in CONFLICTS else Outcome.FAILED
        return SqlAnswer(None, outcome, error, started_us, ended_us, 0)

    def _note(self, operation: str, refusal: psycopg.Error) -> None:
        said = refusal.diag.message_primary
        if said and refusal.sqlstate not in CONFLICTS:
            self._recorder.note(f"{operation} failed: {KNOWN.mask(said)} ({refusal.sqlstate})")
