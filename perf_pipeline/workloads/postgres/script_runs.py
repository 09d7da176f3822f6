"""Runs of a pgbench script that is nothing but statements, with variables set between them.

Add here: what such a script needs in a run. Keep out: how runs follow (straight_runs.py), the
language (config/pgbench/), and what becomes of a run that failed (own_script.py).
"""

from typing import Final

from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.workloads.postgres.client import SqlAnswer, SqlClient
from perf_pipeline.workloads.postgres.exchange import Values
from perf_pipeline.workloads.postgres.script_values import ScriptState
from perf_pipeline.workloads.postgres.scripts import ReadyScript, ReadySet, ReadyStatement
from perf_pipeline.workloads.postgres.straight_runs import Leg, StraightPlan, StraightRuns

_NO_VALUES: Final[Values] = ()


class _ScriptLeg:
    """Hold a statement, and the variables that are set before it, in order."""

    __slots__ = ("is_written", "sets", "statement")

    def __init__(self, sets: tuple[ReadySet, ...], statement: ReadyStatement) -> None:
        self.sets, self.statement = sets, statement
        self.is_written = bool(statement.template)


class StraightScript(StraightPlan):
    """Hold a straight script.

    Args:
        context: the context of the worker.
        iteration: one of the scenario whose samples its runs write.
        script: the script, for which `is_straight` holds.
    """

    __slots__ = ("legs", "parts")

    def __init__(self, context: WorkerContext, iteration: Iteration, script: ReadyScript) -> None:
        super().__init__(context, iteration, script.name)
        self.legs: list[Leg] = []
        self.parts: list[_ScriptLeg] = []
        sets: list[ReadySet] = []
        for step in script.steps:
            if isinstance(step, ReadySet):
                sets.append(step)
            elif isinstance(step, ReadyStatement):
                self.legs.append(Leg(step.request, self.answered(step.request.operation)))
                self.parts.append(_ScriptLeg(tuple(sets), step))
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
        line: the line of the script.
        answer: what the run came to before; None where it had asked for nothing.
        from_us: when it would have gone on.
    """

    def __init__(self, said: str, line: int, answer: SqlAnswer | None, from_us: int) -> None:
        super().__init__(said)
        self.line, self.answer, self.from_us = line, answer, from_us


class ScriptRuns(StraightRuns):
    """Run a straight script for one client.

    Args:
        script: the script.
        client: whose connection is used.
        state: variables of the client.
    """

    __slots__ = ("_parts", "_state")

    def __init__(self, script: StraightScript, client: SqlClient, state: ScriptState) -> None:
        super().__init__(script, client, script.legs)
        self._parts, self._state = script.parts, state

    def _values(self) -> Values | None:
        """Set the variables of the leg, and return the values of its statement."""
        part, state = self._parts[self._at], self._state
        variables = state.variables
        for step in part.sets:
            try:
                variables[step.name] = step.evaluate(state)
            except ValueError as error:
                self._over.set_exception(
                    UnworkableError(str(error), step.line, self._before(), self._from_us)
                )
                return None
        if part.is_written:
            self._text = part.statement.written(variables)
        elif part.statement.variables:
            return part.statement.values(variables)
        return _NO_VALUES

    def _take(self, ended_us: int) -> bool:
        self._leg.answered(self._iteration, self._from_us, self.started_us, ended_us, self._rows, 0)
        return True

    def _ends_well(self) -> bool:
        return not self._session.is_in_transaction
