"""Make up a number that fits a JSON Schema: the smallest that it allows, or 1.

Source: JSON Schema Validation 2020-12, 6.2; `exclusiveMinimum: true` beside `minimum` is that of
OpenAPI 3.0. Add here: another rule for numbers. Keep out: other types (json_samples.py).
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

_LARGEST: Final = 2**63 - 1
_HALF: Final = Fraction(1, 2)


class NoSampleError(Exception):
    """Say why no value could be made up."""


def made_up_number(schema: Mapping[str, Any], *, is_whole: bool) -> int | float:
    """Make up a number.

    Args:
        schema: the schema of the number.
        is_whole: it has no fraction.

    Raises:
        NoSampleError: the rules leave none, or none that 64 bits hold.
    """
    low, is_above = _bound(schema, "minimum", "exclusiveMinimum", max)
    high, is_below = _bound(schema, "maximum", "exclusiveMaximum", min)
    step = _fraction(schema.get("multipleOf"))
    if step is not None and step <= 0:
        step = None
    if is_whole:  # a multiple of p/q that is whole is one of p
        step = Fraction(step.numerator) if step else Fraction(1)
    wanted = low if low is not None else Fraction(1) if high is None else min(Fraction(1), high)
    if step is None:
        value = _between(wanted, (low, is_above), (high, is_below))
    else:
        value = math.ceil(wanted / step) * step
        if is_above and value == low:
            value += step
        if high is not None and (value > high or (is_below and value == high)):
            value = math.floor(high / step) * step
            value -= step if is_below and value == high else 0
    if _is_outside(value, (low, is_above), (high, is_below)) or abs(value) > _LARGEST:
        raise NoSampleError("no number that could be made up fits its rules")
    return int(value) if value.denominator == 1 else float(value)


_Bound = tuple[Fraction | None, bool]


def _bound(schema: Mapping[str, Any], usual: str, exclusive: str, tighter: Any) -> _Bound:
    """Return a bound, and whether the number may not be equal to it."""
    bound, other = _fraction(schema.get(usual)), schema.get(exclusive)
    if isinstance(other, bool):
        return bound, other
    strict = _fraction(other)
    if strict is None or (bound is not None and tighter(bound, strict) != strict):
        return bound, False
    return strict, True


def _fraction(told: Any) -> Fraction | None:
    """Return a number as it was written; None for what is none."""
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    if isinstance(told, float) and not math.isfinite(told):
        return None
    return Fraction(told) if isinstance(told, int) else Fraction(str(told))


def _between(wanted: Fraction, low: _Bound, high: _Bound) -> Fraction:
    if not _is_outside(wanted, low, high):
        return wanted
    if low[0] is not None and high[0] is not None:
        return (low[0] + high[0]) / 2
    if low[0] is not None:
        return low[0] + _HALF
    return (high[0] or Fraction(0)) - _HALF


def _is_outside(value: Fraction, low: _Bound, high: _Bound) -> bool:
    is_low = low[0] is not None and (value < low[0] or (low[1] and value == low[0]))
    is_high = high[0] is not None and (value > high[0] or (high[1] and value == high[0]))
    return is_low or is_high
