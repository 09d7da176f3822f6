"""Runs of a script without branches, whose every step follows from the answer to the one before.

While all goes well, nothing but the answers of the server drives it: no coroutine ends and begins
between two statements or two runs, which costs more than all the rest (docs/performance.md). What
fails ends the run and is told as it is for any other script.
Add here: another way for a run to go on. Keep out: what becomes of a run that failed
(own_script.py).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import psycopg

from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.catalog import TRANSACTIONS
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.postgres.client import SqlAnswer, SqlClient
from perf_pipeline.workloads.postgres.exchange import SqlSession, Values, rows_of
from perf_pipeline.workloads.postgres.script_values import ScriptState
from perf_pipeline.workloads.postgres.scripts import ReadyScript, ReadySet, ReadyStatement
from perf_pipeline.workloads.postgres.turns import TakesTurns, Turns

_NS_PER_US: Final = 1_000
_NO_VALUES: Final[Values] = ()


@dataclass(frozen=True, slots=True)
class _Leg:
    """Hold a statement, and the variables that are set before it.

    Attributes:
        sets: in order.
        statement: asked for then.
        is_written: its values stand in its text.
        send: sends it; with `text` where that is the same each time, and `timeout_s`.
        answered: records its sample.
    """

    sets: tuple[ReadySet, ...]
    statement: ReadyStatement
    is_written: bool
    send: Callable[[SqlSession, bytes, Values, float], None]
    text: bytes
    timeout_s: float
    answered: Callable[[Iteration, int, int, int, int], None]


class StraightScript:
    """Hold a script that is nothing but statements, with variables set between them.

    Args:
        context: of the worker.
        iteration: one of the scenario whose samples its runs write.
        script: the script, for which `is_straight` holds.
    """

    __slots__ = ("answered", "clock", "legs", "origin_ns", "turns")

    def __init__(self, context: WorkerContext, iteration: Iteration, script: ReadyScript) -> None:
        self.clock, self.origin_ns = context.clock, context.clock.origin_ns
        series, scenario = context.recorder.series, iteration.scenario
        self.turns = Turns()
        self.answered = series(scenario, TRANSACTIONS, script.name).answered
        self.legs: list[_Leg] = []
        sets: list[ReadySet] = []
        for step in script.steps:
            if isinstance(step, ReadySet):
                sets.append(step)
            elif isinstance(step, ReadyStatement):
                request = step.request
                of_leg = series(scenario, iteration.protocol, request.operation)
                leg = _Leg(
                    tuple(sets),
                    step,
                    bool(step.template),
                    request.send,
                    request.text,
                    request.timeout_s,
                    of_leg.answered,
                )
                self.legs.append(leg)
                sets = []


def is_straight(script: ReadyScript) -> bool:
    """Say whether a script has statements and variables alone, and ends with a statement."""
    return isinstance(script.steps[-1], ReadyStatement) and all(
        isinstance(step, ReadySet) or (isinstance(step, ReadyStatement) and step.gset is None)
        for step in script.steps
    )


class UnworkableError(ValueError):
    """Say that an expression has no value.

    Attributes:
        line: of the script.
        answer: what the run came to before; None where it had asked for nothing.
        from_us: when it would have gone on.
    """

    def __init__(self, said: str, line: int, answer: SqlAnswer | None, from_us: int) -> None:
        super().__init__(said)
        self.line, self.answer, self.from_us = line, answer, from_us


class StraightRuns(TakesTurns[SqlAnswer | None]):
    """Run a straight script for one client, again and again while the engine lets it.

    Args:
        script: the script.
        client: whose connection is used.
        state: variables of the client.

    Attributes:
        begun_us: when the run under way began its first statement, once that is answered.
    """

    __slots__ = (
        "_at",
        "_client",
        "_from_us",
        "_iteration",
        "_leg",
        "_legs",
        "_now_us",
        "_script",
        "_session",
        "_started_us",
        "_state",
        "begun_us",
    )

    def __init__(self, script: StraightScript, client: SqlClient, state: ScriptState) -> None:
        super().__init__(script.turns)
        self._script, self._client, self._state = script, client, state
        self._leg, self._legs = script.legs[0], len(script.legs)
        self._now_us = script.clock.now_us
        self._at = self._started_us = self._from_us = 0
        self.begun_us: int | None = None

    async def run(self, iteration: Iteration, session: SqlSession) -> SqlAnswer | None:
        """Run the script; give what ended a run, or None where the last one is written down.

        Raises:
            UnworkableError: an expression has no value.
        """
        self._iteration, self._session = iteration, session
        over = self._expect_end()
        self._begin()
        try:
            return await over
        except asyncio.CancelledError:
            operation = self._leg.statement.request.operation
            self._client.cut_off(iteration, operation, self._from_us, self._started_us)
            raise

    def _begin(self) -> None:
        self._at, self._from_us, self.begun_us = 0, self._iteration.intended_us, None
        self._ask()

    def _ask(self) -> None:
        """Set the variables of a leg, and send its statement."""
        leg = self._leg = self._script.legs[self._at]
        state = self._state
        variables = state.variables
        for step in leg.sets:
            try:
                variables[step.name] = step.evaluate(state)
            except ValueError as error:
                self._over.set_exception(
                    UnworkableError(str(error), step.line, self._before(), self._from_us)
                )
                return
        text, values = leg.text, _NO_VALUES
        if leg.is_written:
            text = leg.statement.written(variables)
        elif leg.statement.variables:
            values = leg.statement.values(variables)
        session = self._session
        self._started_us = self._now_us()
        try:
            session.expect(self)
            leg.send(session, text, values, leg.timeout_s)
        except psycopg.Error as error:
            self.set_exception(error)

    def _answered(self) -> None:
        """Write down what was answered, and ask for the next."""
        iteration, script, result = self._iteration, self._script, self._result
        assert result is not None
        ended_us = (self._session.answered_ns - script.origin_ns) // _NS_PER_US
        rows = rows_of(result)
        self._leg.answered(iteration, self._from_us, self._started_us, ended_us, rows)
        if self._at == 0:
            self.begun_us = self._started_us
        self._from_us = ended_us
        self._at += 1
        if self._at < self._legs:
            self._ask()
        elif self._session.is_in_transaction:
            self._over.set_result(self._before())
        else:
            self._end(iteration, ended_us)

    def _end(self, iteration: Iteration, ended_us: int) -> None:
        """Write the run down, and begin the next one where there is to be one."""
        begun_us = self.begun_us
        assert begun_us is not None
        self.begun_us = None
        iteration.has_waited = True
        self._script.answered(iteration, iteration.intended_us, begun_us, ended_us, 1)
        if iteration.follow is not None and iteration.follow():
            self._begin()
        else:
            self._over.set_result(None)

    def _fail(self, error: Exception) -> None:
        self._iteration.has_waited = True
        operation = self._leg.statement.request.operation
        answer = self._client.failed(
            self._iteration, operation, self._from_us, self._started_us, error
        )
        if self.begun_us is None:
            self.begun_us = self._started_us
        self._over.set_result(answer)

    def _before(self) -> SqlAnswer | None:
        """Return the answer to the statement before, of which only its times are of use."""
        if self._at == 0:
            return None
        return SqlAnswer(None, Outcome.OK, "", self._started_us, self._from_us, 0)
