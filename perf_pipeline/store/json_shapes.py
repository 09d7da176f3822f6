"""The shapes of values in the spool's JSON files, so that a wrong value is reported by its name.

Add here: another shape. Keep out: which member has which (records.py).
"""

import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from perf_pipeline.quoting import is_utf8, shown

Shape = Callable[[object], bool]
_WHOLE_LIMIT: Final = 2**63  # what a BIGINT holds


def read_object(text: str, what: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ValueError: it is none, or too deep to be read.
    """
    try:
        members = json.loads(text)
    except RecursionError as error:
        raise ValueError(f"{what} is too deep to be read") from error
    if not isinstance(members, dict):
        raise ValueError(f"{what} is a JSON object, not {text[:40]!r}")
    return members


def require_shapes(members: Mapping[str, object], shapes: Mapping[str, Shape]) -> None:
    """Let only members of the right shape pass; one that is absent or unknown is not looked at.

    Raises:
        ValueError: names the first one that is wrong, with its value.
    """
    for name, shape in shapes.items():
        if name in members and not shape(members[name]):
            raise ValueError(f"its {name} can't be {shown(members[name])}")


def is_text(value: object) -> bool:
    """Say whether a value is a text that UTF-8 can hold."""
    return isinstance(value, str) and is_utf8(value)


def is_flag(value: object) -> bool:
    """Say whether a value is true or false."""
    return isinstance(value, bool)


def is_integer(value: object) -> bool:
    """Say whether a value is a whole number of any size."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """Say whether a value is a whole number that a BIGINT holds."""
    return isinstance(value, int) and is_integer(value) and abs(value) < _WHOLE_LIMIT


def is_finite(value: object) -> bool:
    """Say whether a value is a number, and neither NaN nor infinite."""
    return is_number(value) and isinstance(value, int | float) and math.isfinite(value)


def is_number(value: object) -> bool:
    """Say whether a value is a number that a DOUBLE holds."""
    return is_whole(value) or isinstance(value, float)


def is_moment(value: object) -> bool:
    """Say whether a value is a time by ISO 8601, or an empty text for none."""
    try:
        return isinstance(value, str) and (not value or bool(datetime.fromisoformat(value)))
    except ValueError:
        return False


def or_none(shape: Shape) -> Shape:
    """Make a shape that accepts null as well."""
    return lambda value: value is None or shape(value)


def one_of(*texts: str) -> Shape:
    """Make a shape that accepts only these texts."""
    return lambda value: isinstance(value, str) and value in texts


def list_of(shape: Shape) -> Shape:
    """Make a shape that accepts lists of values of this shape."""
    return lambda value: isinstance(value, list) and all(map(shape, value))


def table_of(shape: Shape) -> Shape:
    """Make a shape that accepts objects with values of this shape."""
    return lambda value: (
        isinstance(value, dict) and all(map(is_text, value)) and all(map(shape, value.values()))
    )
