"""Runs of the statements of a profile (`exec = "sql"`) that have no pauses and no retries.

Add here: what such a statement needs in a run. Keep out: how runs follow (straight_runs.py),
everything that can be known before the load (statements.py), and what becomes of a run that failed
(own_sql.py).
"""

from collections.abc import Sequence
from typing import Final

from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.postgres.client import Request, SqlAnswer, SqlClient
from perf_pipeline.workloads.postgres.exchange import Values
from perf_pipeline.workloads.postgres.statements import OwnStatement
from perf_pipeline.workloads.postgres.straight_runs import Leg, StraightPlan, StraightRuns
from perf_pipeline.workloads.steps.values import Scope

_NO_VALUES: Final[Values] = ()


class StraightSql(StraightPlan):
    """Hold statements of a profile as they are run one after the other.

    Args:
        context: the context of the worker.
        iteration: one of the scenario whose samples the runs write.
        steps: in order; a request without values is a statement's begin or commit.
        transaction: its name; None where each statement is one of its own.
    """

    __slots__ = ("legs", "statements")

    def __init__(
        self,
        context: WorkerContext,
        iteration: Iteration,
        steps: Sequence[OwnStatement | Request],
        transaction: str | None,
    ) -> None:
        super().__init__(context, iteration, transaction)
        self.legs: list[Leg] = []
        self.statements: list[OwnStatement | None] = []
        for step in steps:
            statement = step if isinstance(step, OwnStatement) else None
            request = step.request if isinstance(step, OwnStatement) else step
            self.legs.append(Leg(request, self.answered(request.operation)))
            self.statements.append(statement)


class SqlRuns(StraightRuns):
    """Run them for one virtual user.

    Args:
        sql: the statements.
        client: whose connection is used.
        scope: what its variables read.
    """

    __slots__ = ("_bytes_out", "_scope", "_statements")

    def __init__(self, sql: StraightSql, client: SqlClient, scope: Scope) -> None:
        super().__init__(sql, client, sql.legs)
        self._statements, self._scope, self._bytes_out = sql.statements, scope, 0

    def _cut_off(self, iteration: Iteration) -> None:
        super()._cut_off(iteration)
        if self.begun_us is None:  # a transaction lasts from its begin, answered or not
            self.begun_us = self.started_us

    def _begin(self) -> None:
        self._scope.begin(self._iteration)
        super()._begin()

    def _values(self) -> Values | None:
        statement = self._statements[self._at]
        if statement is None:
            self._bytes_out = 0
            return _NO_VALUES
        values = statement.values(self._scope)
        self._bytes_out = len(values[0]) if len(values) == 1 else sum(map(len, values))
        return values

    def _take(self, ended_us: int) -> bool:
        statement, rows = self._statements[self._at], self._rows
        if statement is not None and statement.every:
            return self._judged(statement, ended_us, rows)
        self._leg.answered(
            self._iteration, self._from_us, self.started_us, ended_us, rows, self._bytes_out
        )
        return True

    def _judged(self, statement: OwnStatement, ended_us: int, rows: int) -> bool:
        """Write down an answer of which something is expected."""
        answer = SqlAnswer(self._result, Outcome.OK, "", self.started_us, ended_us, rows)
        checks = statement.judge(self._scope, answer)
        operation, iteration = self._leg.operation, self._iteration
        self._client.record(iteration, operation, answer, self._from_us, self._bytes_out, checks)
        if answer.error:
            self._end_with(answer)
            return False
        return True

    def _fail(self, error: Exception) -> None:
        statement = self._statements[self._at]
        answer = self._client.failed(
            self._iteration,
            self._leg.operation,
            self._from_us,
            self.started_us,
            error,
            bytes_out=self._bytes_out,
            checks=(0, 0 if statement is None else statement.every),
        )
        self._end_with(answer)

    def _ends_well(self) -> bool:
        return True
