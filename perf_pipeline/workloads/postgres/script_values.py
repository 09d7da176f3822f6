"""Evaluate the expressions of a pgbench script for one client.

Add here: another way in which a value is found. Keep out: functions (script_functions.py).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from perf_pipeline.config.pgbench.expressions import (
    FUNCTIONS,
    Call,
    Constant,
    Expression,
    Reference,
    Value,
)
from perf_pipeline.workloads.postgres.script_draws import uniform
from perf_pipeline.workloads.postgres.script_functions import (
    PURE,
    RANDOM,
    SEEDED,
    as_boolean,
    bigint,
    number,
    truth,
    whole,
)

DEFAULT_SEED: Final = "default_seed"
Variable = Value | str
Evaluate = Callable[["ScriptState"], Value]
_EXACT: Final = 2**53
_WHOLE: Final = re.compile(r"[+-]?[0-9]+")


@dataclass(slots=True)
class ScriptState:
    """Hold what the expressions of one client read.

    Attributes:
        variables: by name; a text is what a column or the profile gave, and is read when used.
        random: the random numbers of the iteration in progress.
    """

    variables: dict[str, Variable] = field(default_factory=dict)
    random: Random = field(default_factory=Random)


def evaluator(expression: Expression, constants: Mapping[str, Variable]) -> Evaluate:
    """Return what works an expression out; it raises ValueError where pgbench would give up.

    Args:
        expression: the expression of the script.
        constants: variables that no step of the script changes.
    """
    return _closure(_folded(expression, constants))


def as_value(name: str, given: Variable) -> Value:
    """Read the text of a variable as pgbench does: null, a boolean, a bigint or a double.

    Raises:
        ValueError: it is none of them; a whole number has to be a bigint.
    """
    if not isinstance(given, str):
        return given
    word = given.strip().lower()
    if word in {"", "null"}:
        return None
    if word in {"t", "tr", "tru", "true", "y", "ye", "yes", "on"}:
        return True
    if word in {"f", "fa", "fal", "fals", "false", "n", "no", "of", "off"}:
        return False
    is_whole = _WHOLE.fullmatch(word) is not None
    try:
        # Python alone would take 1_000.
        return bigint(int(word)) if is_whole else float(word.replace("_", " "))
    except ValueError:
        why = "out of the range of bigint" if is_whole else "no number that an expression could use"
        raise ValueError(f"the variable {name} is {given[:40]!r}, which is {why}") from None


def as_sql(value: Variable) -> bytes:
    """Write a value as it appears in a statement."""
    if type(value) is int:
        return b"%d" % value
    if isinstance(value, str):
        return value.encode()
    if value is None:
        return b"NULL"
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return f"{value:.15g}".encode()


def _folded(expression: Expression, constants: Mapping[str, Variable]) -> Expression:
    """Replace what never changes by its value."""
    if isinstance(expression, Reference) and expression.name in constants:
        return Constant(as_value(expression.name, constants[expression.name]))
    if not isinstance(expression, Call):
        return expression
    folded = Call(
        expression.name, tuple(_folded(argument, constants) for argument in expression.arguments)
    )
    is_fixed = all(isinstance(argument, Constant) for argument in folded.arguments)
    if is_fixed and folded.name not in RANDOM and not _lacks_seed(folded):
        return Constant(_closure(folded)(ScriptState()))
    return folded


def _lacks_seed(call: Call) -> bool:
    return call.name in SEEDED and len(call.arguments) < FUNCTIONS[call.name][1]


def _closure(expression: Expression) -> Evaluate:
    if isinstance(expression, Constant):
        value = expression.value
        return lambda _: value
    if isinstance(expression, Reference):
        return _variable(expression.name)
    arguments = [_closure(argument) for argument in expression.arguments]
    name = expression.name
    if name in _LAZY:
        return _LAZY[name](arguments)
    if name in RANDOM:
        return _drawn(name, expression, arguments)
    if name in SEEDED:
        return _seeded(expression, arguments)
    return _pure(PURE[name], arguments)


def _variable(name: str) -> Evaluate:
    def read(state: ScriptState) -> Value:
        if name not in state.variables:
            raise ValueError(f"the variable {name} has no value")
        return as_value(name, state.variables[name])

    return read


def _pure(work: Callable[..., Value], arguments: list[Evaluate]) -> Evaluate:
    def read(state: ScriptState) -> Value:
        values = [argument(state) for argument in arguments]
        return None if None in values else work(*values)

    return read


def _drawn(name: str, call: Call, arguments: list[Evaluate]) -> Evaluate:
    fixed = [argument.value for argument in call.arguments if isinstance(argument, Constant)]
    if name == "random" and len(fixed) == len(arguments) and None not in fixed:
        low, high = whole(fixed[0]), whole(fixed[1])
        count = high - low + 1
        if 0 < count < _EXACT:
            return lambda state: low + int(state.random.random() * count)
    work = RANDOM[name]

    def read(state: ScriptState) -> Value:
        low, high, *parameter = (argument(state) for argument in arguments)
        if work is uniform:
            return uniform(state.random, whole(low), whole(high))
        return work(state.random, whole(low), whole(high), float(number(parameter[0])))

    return read


def _seeded(call: Call, arguments: list[Evaluate]) -> Evaluate:
    if _lacks_seed(call):
        arguments = [*arguments, _variable(DEFAULT_SEED)]
    work = SEEDED[call.name]

    def read(state: ScriptState) -> Value:
        values = [argument(state) for argument in arguments]
        return None if None in values else work(*map(whole, values))

    return read


def _and(arguments: list[Evaluate]) -> Evaluate:
    left, right = arguments

    def read(state: ScriptState) -> Value:
        first = left(state)
        if first is None or not as_boolean(first):
            return first
        second = right(state)
        return None if second is None else as_boolean(second)

    return read


def _or(arguments: list[Evaluate]) -> Evaluate:
    left, right = arguments

    def read(state: ScriptState) -> Value:
        first = left(state)
        if first is None or as_boolean(first):
            return first  # as pgbench: null or true is null
        second = right(state)
        return None if second is None else as_boolean(second)

    return read


def _is(arguments: list[Evaluate]) -> Evaluate:
    left, right = arguments
    return lambda state: left(state) is right(state)


def _case(arguments: list[Evaluate]) -> Evaluate:
    *pairs, default = arguments

    def read(state: ScriptState) -> Value:
        for condition, value in zip(pairs[::2], pairs[1::2], strict=True):
            if truth(condition(state)):
                return value(state)
        return default(state)

    return read


_LAZY: Final[Mapping[str, Callable[[list[Evaluate]], Evaluate]]] = {
    "and": _and,
    "or": _or,
    "is": _is,
    "case": _case,
}
