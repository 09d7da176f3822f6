"""pgbench's functions and operators on values: null, boolean, bigint and double.

Source: https://www.postgresql.org/docs/current/pgbench.html (functions, random functions); the
expected values of the tests are those of pgbench itself.
Add here: another function. Keep out: the language (config/pgbench/), and variables
(script_values.py).
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.pgbench.expressions import Value
from perf_pipeline.workloads.postgres.script_draws import exponential, gaussian, uniform, zipfian
from perf_pipeline.workloads.postgres.script_hashes import fnv1a, murmur2, permuted, signed

_LEAST: Final = -(2**63)


def number(value: Value) -> int | float:
    """Return a number.

    Raises:
        ValueError: it is none.
    """
    if value is None or isinstance(value, bool):
        raise ValueError(f"{_shown(value)} is not a number")
    return value


def whole(value: Value) -> int:
    """Return a bigint; a double is rounded to the nearest one, as rint does.

    Raises:
        ValueError: it is none, or too large.
    """
    given = number(value)
    if isinstance(given, int):
        return given
    if not math.isfinite(given) or not _LEAST <= given < -_LEAST:
        raise ValueError(f"double {given:g} is out of the range of bigint")
    return round(given)


def truth(value: Value) -> bool:
    """Say whether a condition holds: a number other than 0, or true."""
    return bool(value)


def as_boolean(value: Value) -> bool:
    """Return a boolean.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, bool):
        raise ValueError(f"{_shown(value)} is not a boolean")
    return value


def _shown(value: Value) -> str:
    return "null" if value is None else str(value).lower()


def bigint(value: int) -> int:
    """Return a number that is a bigint.

    Raises:
        ValueError: it is too large.
    """
    if not _LEAST <= value < -_LEAST:
        raise ValueError("bigint out of range")
    return value


def _arithmetic(
    of_whole: Callable[[int, int], int], of_double: Callable[[float, float], float]
) -> Callable[[Value, Value], Value]:
    def work(left: Value, right: Value) -> Value:
        if type(left) is int and type(right) is int:
            return bigint(of_whole(left, right))
        first, second = number(left), number(right)
        if isinstance(first, int) and isinstance(second, int):
            return bigint(of_whole(first, second))
        return of_double(float(first), float(second))

    return work


def _quotient(left: int, right: int) -> int:
    """Divide towards zero, as C does."""
    if right == 0:
        raise ValueError("division by zero")
    found = abs(left) // abs(right)
    return found if (left < 0) == (right < 0) else -found


def _double_quotient(left: float, right: float) -> float:
    if right == 0.0:
        raise ValueError("division by zero")
    return left / right


def _remainder(left: Value, right: Value) -> Value:
    dividend, divisor = whole(left), whole(right)
    return dividend - divisor * _quotient(dividend, divisor)


def _compared(test: Callable[[float, float], bool]) -> Callable[[Value, Value], Value]:
    return lambda left, right: test(number(left), number(right))


def _bits(work: Callable[[int, int], int]) -> Callable[[Value, Value], Value]:
    return lambda left, right: signed(work(whole(left), whole(right)))


def _extreme(choose: Callable[..., int | float]) -> Callable[..., Value]:
    def work(*values: Value) -> Value:
        numbers = [number(value) for value in values]
        found = choose(numbers)
        return float(found) if any(isinstance(number, float) for number in numbers) else found

    return work


def _absolute(value: Value) -> Value:
    given = number(value)
    return abs(given) if isinstance(given, float) else bigint(abs(given))


def _guarded(work: Callable[..., float]) -> Callable[..., Value]:
    """Return what C gives where Python raises: nan outside of a domain, inf beyond a double."""

    def guarded(*values: Value) -> Value:
        try:
            return work(*(float(number(value)) for value in values))
        except OverflowError:
            return math.inf
        except ValueError:
            if any(value is None or isinstance(value, bool) for value in values):
                raise
            return math.nan

    return guarded


def _logarithm(value: float) -> float:
    return -math.inf if value == 0 else math.log(value)


PURE: Final[Mapping[str, Callable[..., Value]]] = MappingProxyType(
    {
        "+": _arithmetic(lambda a, b: a + b, lambda a, b: a + b),
        "-": _arithmetic(lambda a, b: a - b, lambda a, b: a - b),
        "*": _arithmetic(lambda a, b: a * b, lambda a, b: a * b),
        "/": _arithmetic(_quotient, _double_quotient),
        "%": _remainder,
        "mod": _remainder,
        "<": _compared(lambda a, b: a < b),
        ">": _compared(lambda a, b: a > b),
        "<=": _compared(lambda a, b: a <= b),
        ">=": _compared(lambda a, b: a >= b),
        "=": _compared(lambda a, b: a == b),
        "<>": _compared(lambda a, b: a != b),
        "|": _bits(lambda a, b: a | b),
        "#": _bits(lambda a, b: a ^ b),
        "&": _bits(lambda a, b: a & b),
        "<<": _bits(lambda a, b: a << (b & 63)),
        ">>": _bits(lambda a, b: a >> (b & 63)),
        "not": lambda value: not as_boolean(value),
        "abs": _absolute,
        "debug": lambda value: value,
        "double": lambda value: float(number(value)),
        "int": whole,
        "exp": _guarded(math.exp),
        "ln": _guarded(_logarithm),
        "sqrt": _guarded(math.sqrt),
        "pow": _guarded(math.pow),
        "power": _guarded(math.pow),
        "pi": lambda: math.pi,
        "greatest": _extreme(max),
        "least": _extreme(min),
    }
)
"""Functions of their arguments alone, which are never null."""
RANDOM: Final[Mapping[str, Callable[..., int]]] = MappingProxyType(
    {
        "random": uniform,
        "random_exponential": exponential,
        "random_gaussian": gaussian,
        "random_zipfian": zipfian,
    }
)
SEEDED: Final[Mapping[str, Callable[..., int]]] = MappingProxyType(
    {"hash": murmur2, "hash_murmur2": murmur2, "hash_fnv1a": fnv1a, "permute": permuted}
)
"""Functions whose last argument is `:default_seed` where the script writes none."""
