"""Everything about own statements that can be worked out once, before the load.

Add here: what a statement needs ready. Keep out: running it (own_sql.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from psycopg import pq

from perf_pipeline.config.http_steps import operation_of
from perf_pipeline.config.sql_statements import SqlParameters, SqlStatement
from perf_pipeline.config.sql_text import bound
from perf_pipeline.config.templates import Source, Variable
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.units import US_PER_S
from perf_pipeline.workloads.postgres.client import Request, SqlAnswer
from perf_pipeline.workloads.postgres.sql_session import SqlSession
from perf_pipeline.workloads.steps.values import Scope, Surroundings, as_text, drawn

Bind = Callable[[Scope], bytes]
_UNEXPECTED_ROWS: Final = "rows"
_NO_VALUE: Final = "no_value"
_WHOLE_NUMBERS: Final = frozenset({Source.VU, Source.ITERATION})


@dataclass(frozen=True, slots=True)
class OwnStatement:
    """Hold a statement as it is run again and again.

    Attributes:
        request: how it is sent.
        name: under which it is prepared.
        text: with a parameter for each value.
        binds: give the values in order.
        think_time_us: shortest and longest pause after it.
        rows: how many are right; None where any number is.
        most_us: it has to be faster than that; 0 for no such check.
        saves: variable and column, in the order of their checks.
        every: mask of all its checks.
    """

    request: Request
    name: bytes
    text: bytes
    binds: tuple[Bind, ...]
    think_time_us: tuple[int, int]
    rows: tuple[int, int] | None
    most_us: int
    saves: tuple[tuple[str, bytes], ...]
    every: int

    def values(self, scope: Scope) -> list[bytes]:
        """Return the values of this iteration."""
        binds = self.binds
        if len(binds) == 1:  # half of what a comprehension takes
            return [binds[0](scope)]
        return [bind(scope) for bind in binds]

    def judge(self, scope: Scope, answer: SqlAnswer) -> tuple[int, int]:
        """Fail what has another number of rows than expected, or no value to save.

        Returns the masks of the checks that passed and failed; a request that failed passes none.
        """
        if answer.result is None:
            return 0, self.every
        took_us = answer.ended_us - answer.started_us
        passed = self._passed(answer.result, answer.rows, took_us, scope)
        if self.rows is not None and not passed & 1:
            answer.outcome, answer.error = Outcome.FAILED, _UNEXPECTED_ROWS
        elif (self.every ^ passed) & self._saving:
            answer.outcome, answer.error = Outcome.FAILED, _NO_VALUE
        return passed, self.every ^ passed

    def _passed(self, result: pq.abc.PGresult, rows: int, took_us: int, scope: Scope) -> int:
        """Return the mask of the checks that hold, and save what the statement saves."""
        mask, bit = 0, 1
        if self.rows is not None:
            mask |= bit * (self.rows[0] <= rows <= self.rows[1])
            bit <<= 1
        if self.most_us:
            mask |= bit * (took_us < self.most_us)
            bit <<= 1
        for name, column in self.saves:
            mask |= bit * _saved(result, column, name, scope)
            bit <<= 1
        return mask

    @property
    def _saving(self) -> int:
        """Return the mask of the checks after which the iteration can't go on."""
        before = (self.rows is not None) + bool(self.most_us)
        return self.every ^ ((1 << before) - 1)


def own_statements(parameters: SqlParameters, around: Surroundings) -> tuple[OwnStatement, ...]:
    """Prepare all statements of a scenario."""
    return tuple(
        _statement(number, statement, parameters, around)
        for number, statement in enumerate(parameters.statements)
    )


def _statement(
    number: int, statement: SqlStatement, parameters: SqlParameters, around: Surroundings
) -> OwnStatement:
    text, name = bound(statement.sql), b"perf_pipeline_%d" % number
    sent = text.text.encode()
    request = Request(
        operation_of(statement.name, parameters.transaction),
        SqlSession.send_prepared if parameters.prepared else SqlSession.send_with,
        name if parameters.prepared else sent,
        (statement.timeout_us or parameters.timeout_us) / US_PER_S,
    )
    return OwnStatement(
        request=request,
        name=name,
        text=sent,
        binds=tuple(bind_of(variable, around) for variable in text.variables),
        think_time_us=statement.think_time_us,
        rows=statement.expect.rows,
        most_us=statement.expect.duration_us or 0,
        saves=tuple((name, column.encode()) for name, column in statement.save.items()),
        every=(1 << len(statement.checks)) - 1,
    )


def bind_of(variable: Variable, around: Surroundings) -> Bind:
    """Return what makes the value of a variable, as text of PostgreSQL."""
    constant = around.constant(variable)
    if constant is not None:
        value = constant.encode()
        return lambda _: value
    if variable.source is Source.INT:
        draw = drawn(*map(int, variable.arguments))
        return lambda scope: b"%d" % draw(scope)
    read = around.reader(variable)
    if variable.source in _WHOLE_NUMBERS:
        return lambda scope: str(read(scope)).encode("ascii")
    return lambda scope: as_text(read(scope)).encode()


def _saved(result: pq.abc.PGresult, column: bytes, name: str, scope: Scope) -> bool:
    if result.ntuples == 0:
        return False
    value = result.get_value(0, _place(result, column))
    if value is None:
        return False
    scope.saved[name] = value.decode()
    return True


def _place(result: pq.abc.PGresult, column: bytes) -> int:
    """Return the column of a name, which was seen to be there before the load."""
    return next(at for at in range(result.nfields) if result.fname(at) == column)
