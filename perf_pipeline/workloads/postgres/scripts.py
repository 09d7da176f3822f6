"""pgbench's scripts as they are run again and again: their steps, ready for one worker.

Add here: what a step needs ready. Keep out: running them (own_script.py).
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from perf_pipeline.config.http_steps import operation_of
from perf_pipeline.config.pgbench.expressions import Reference
from perf_pipeline.config.pgbench.parameters import PgbenchParameters
from perf_pipeline.config.pgbench.scripts import (
    Jump,
    ScriptStatement,
    ScriptStep,
    SetVariable,
    Sleep,
)
from perf_pipeline.units import US_PER_S
from perf_pipeline.workloads.postgres.client import Request
from perf_pipeline.workloads.postgres.script_values import (
    Evaluate,
    ScriptState,
    Variable,
    as_sql,
    evaluator,
)
from perf_pipeline.workloads.postgres.sql_session import SqlSession

SIMPLE: Final = "simple"
EXTENDED: Final = "extended"
PREPARED: Final = "prepared"
CLIENT: Final = "client_id"
_SENDS: Final = {
    SIMPLE: SqlSession.send_text,
    EXTENDED: SqlSession.send_with,
    PREPARED: SqlSession.send_prepared,
}


@dataclass(frozen=True, slots=True)
class ReadyStatement:
    """Hold a statement.

    Attributes:
        line: where it begins.
        request: how it is sent.
        name: under which it is prepared.
        text: with `$1`, `$2` ... where values are bound; empty where they are written.
        template: with `%b` where values are written into the text; empty where they are bound.
        variables: names of the variables whose values are bound or written, in order.
        gset: prefix of the variables that its one row becomes; None where it becomes none.
    """

    line: int
    request: Request
    name: bytes
    text: bytes
    template: bytes
    variables: tuple[str, ...]
    gset: str | None

    def written(self, variables: Mapping[str, Variable]) -> bytes:
        """Return the text with the values in it; a name without a value stays as it is."""
        pieces = [
            as_sql(variables[name]) if name in variables else b":" + name.encode()
            for name in self.variables
        ]
        return self.template % tuple(pieces)

    def values(self, variables: Mapping[str, Variable]) -> list[bytes | None]:
        """Return the values to bind; null for a name without one, as pgbench does."""
        if len(self.variables) == 1:  # a third of the time that the other way takes
            only = variables.get(self.variables[0])
            if type(only) is int:
                return [b"%d" % only]
        found = map(variables.get, self.variables)
        # Most are whole numbers, and a call for each would take as long as writing them.
        return [
            b"%d" % value if type(value) is int else (None if value is None else as_sql(value))
            for value in found
        ]


@dataclass(frozen=True, slots=True)
class ReadySet:
    """Hold a variable, and what gives it its value."""

    line: int
    name: str
    evaluate: Evaluate


@dataclass(frozen=True, slots=True)
class ReadySleep:
    """Hold how long a pause is, in units of so many µs."""

    line: int
    evaluate: Evaluate
    unit_us: int


@dataclass(frozen=True, slots=True)
class ReadyJump:
    """Go on at another step, unless the condition holds; None holds never."""

    line: int
    condition: Evaluate | None
    to: int


ReadyStep = ReadyStatement | ReadySet | ReadySleep | ReadyJump


@dataclass(frozen=True, slots=True)
class ReadyScript:
    """Hold a script.

    Attributes:
        name: the name of the samples of its runs.
        weight: how often it is chosen beside the others.
        steps: in order.
    """

    name: str
    weight: int
    steps: tuple[ReadyStep, ...]

    @property
    def statements(self) -> tuple[ReadyStatement, ...]:
        """Return its statements in order."""
        return tuple(step for step in self.steps if isinstance(step, ReadyStatement))


def ready_scripts(
    parameters: PgbenchParameters, folder: Path, constants: Mapping[str, Variable]
) -> tuple[ReadyScript, ...]:
    """Read all scripts of a scenario.

    Args:
        parameters: the parameters of the scenario.
        folder: where its files are.
        constants: variables that all clients begin with, and none has of its own.

    Raises:
        ValueError: a script can't be read or run; the sentence names file and line.
    """
    read = [(script, script.steps(folder)) for script in parameters.weighted]
    # By any script, because a client keeps its variables from one to the next.
    changed = {step.name for _, steps in read for step in steps if isinstance(step, SetVariable)}
    has_gset = any(
        isinstance(step, ScriptStatement) and step.gset is not None
        for _, steps in read
        for step in steps
    )
    fixed = {} if has_gset else {k: v for k, v in constants.items() if k not in changed}
    ready = []
    for number, (script, steps) in enumerate(read):
        reader = _ScriptSteps(parameters, script.name, number, fixed)
        made = [reader.step(at, step) for at, step in enumerate(steps)]
        ready.append(ReadyScript(script.name, script.weight, tuple(made)))
    return tuple(ready)


@dataclass(frozen=True, slots=True)
class _ScriptSteps:
    """Make the steps of one script ready."""

    parameters: PgbenchParameters
    script: str
    number: int
    fixed: Mapping[str, Variable]

    def step(self, at: int, step: ScriptStep) -> ReadyStep:
        if isinstance(step, ScriptStatement):
            return self._statement(at, step)
        try:
            if isinstance(step, SetVariable):
                return ReadySet(step.line, step.name, evaluator(step.expression, self.fixed))
            if isinstance(step, Sleep):
                return ReadySleep(step.line, evaluator(step.expression, self.fixed), step.unit_us)
            condition = None if step.condition is None else evaluator(step.condition, self.fixed)
        except ValueError as error:
            raise ValueError(f"{self.script} line {step.line}: {error}") from error
        assert isinstance(step, Jump)
        return ReadyJump(step.line, condition, step.to)

    def _statement(self, at: int, step: ScriptStatement) -> ReadyStatement:
        name = b"pgbench_%d_%d" % (self.number, at)
        variables = tuple(part.name for part in step.parts if isinstance(part, Reference))
        text, template = "", ""
        if self.parameters.protocol == SIMPLE:
            template = "".join(
                "%b" if isinstance(part, Reference) else part.replace("%", "%%")
                for part in step.parts
            )
        else:
            places = iter(range(1, len(variables) + 1))
            text = "".join(
                f"${next(places)}" if isinstance(part, Reference) else part for part in step.parts
            )
        send, sent = _SENDS[self.parameters.protocol], text.encode()
        request = Request(
            operation_of(step.label, self.script),
            send,
            name if send is SqlSession.send_prepared else sent,
            self.parameters.timeout_us / US_PER_S,
        )
        return ReadyStatement(
            step.line, request, name, sent, template.encode(), variables, step.gset
        )


def texts_to_check(
    script: ReadyScript, constants: Mapping[str, Variable]
) -> Iterator[tuple[int, str]]:
    """Yield line and text of each statement that a server can be asked about before the load.

    Where values are written into the text, those of a first run stand in it; a statement that
    needs a value of the server, or is several, is left out.
    """
    state = ScriptState({**constants, CLIENT: 0}, Random(0))
    for step in script.steps:
        if isinstance(step, ReadySet):
            with suppress(ValueError):
                state.variables[step.name] = step.evaluate(state)
        elif isinstance(step, ReadyStatement) and step.text:
            yield step.line, step.text.decode()
        elif isinstance(step, ReadyStatement):
            text = step.written(state.variables).decode()
            if all(name in state.variables for name in step.variables) and ";" not in text:
                yield step.line, text
