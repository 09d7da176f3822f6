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
from perf_pipeline.workloads.postgres.script_values import (
    Evaluate,
    ScriptState,
    Variable,
    as_sql,
    evaluator,
)

SIMPLE: Final = "simple"
PREPARED: Final = "prepared"
CLIENT: Final = "client_id"


@dataclass(frozen=True, slots=True)
class ReadyStatement:
    """Hold a statement.

    Attributes:
        line: where it begins.
        operation: names its samples.
        name: under which it is prepared.
        text: with `$1`, `$2` ... where values are bound; empty where they are written.
        parts: texts, and names of variables whose values are written into the text.
        bound: names of the variables whose values are bound, in order.
        gset: prefix of the variables that its one row becomes; None where it becomes none.
    """

    line: int
    operation: str
    name: bytes
    text: bytes
    parts: tuple[bytes | str, ...]
    bound: tuple[str, ...]
    gset: str | None

    def written(self, variables: Mapping[str, Variable]) -> bytes:
        """Return the text with the values in it; a name without a value stays as it is."""
        pieces = [
            part
            if isinstance(part, bytes)
            else as_sql(variables[part])
            if part in variables
            else b":" + part.encode()
            for part in self.parts
        ]
        return b"".join(pieces)

    def values(self, variables: Mapping[str, Variable]) -> list[bytes | None]:
        """Return the values to bind; null for a name without one, as pgbench does."""
        found = [variables.get(name) for name in self.bound]
        return [None if value is None else as_sql(value) for value in found]


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
        name: of the samples of its runs.
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
        parameters: of the scenario.
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
    is_bound = parameters.protocol != SIMPLE
    ready = []
    for number, (script, steps) in enumerate(read):
        made = [
            _ready(step, (script.name, number, at), fixed, is_bound=is_bound)
            for at, step in enumerate(steps)
        ]
        ready.append(ReadyScript(script.name, script.weight, tuple(made)))
    return tuple(ready)


def _ready(
    step: ScriptStep,
    place: tuple[str, int, int],
    fixed: Mapping[str, Variable],
    *,
    is_bound: bool,
) -> ReadyStep:
    script, number, at = place
    if isinstance(step, ScriptStatement):
        operation = operation_of(step.label, script)
        return _statement(step, operation, b"pgbench_%d_%d" % (number, at), is_bound=is_bound)
    try:
        if isinstance(step, SetVariable):
            return ReadySet(step.line, step.name, evaluator(step.expression, fixed))
        if isinstance(step, Sleep):
            return ReadySleep(step.line, evaluator(step.expression, fixed), step.unit_us)
        condition = None if step.condition is None else evaluator(step.condition, fixed)
    except ValueError as error:
        raise ValueError(f"{script} line {step.line}: {error}") from error
    assert isinstance(step, Jump)
    return ReadyJump(step.line, condition, step.to)


def _statement(
    step: ScriptStatement, operation: str, name: bytes, *, is_bound: bool
) -> ReadyStatement:
    if not is_bound:
        parts = tuple(
            part.name if isinstance(part, Reference) else part.encode() for part in step.parts
        )
        return ReadyStatement(step.line, operation, name, b"", parts, (), step.gset)
    text, bound = "", list[str]()
    for part in step.parts:
        if isinstance(part, Reference):
            bound.append(part.name)
        text += f"${len(bound)}" if isinstance(part, Reference) else part
    return ReadyStatement(step.line, operation, name, text.encode(), (), tuple(bound), step.gset)


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
            needed = [part for part in step.parts if isinstance(part, str)]
            text = step.written(state.variables).decode()
            if all(name in state.variables for name in needed) and ";" not in text:
                yield step.line, text
