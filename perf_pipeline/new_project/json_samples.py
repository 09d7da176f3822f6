"""Make up a value that fits a JSON Schema, for a body or a parameter that has no example.

Add here: a format of texts. Keep out: which operation needs a value (from_openapi.py).
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType
from typing import Any, Final

from perf_pipeline.new_project.made_up_numbers import NoSampleError, made_up_number
from perf_pipeline.new_project.secret_names import is_secret_name
from perf_pipeline.new_project.seen_request import table_of
from perf_pipeline.new_project.taking_over import TakingOver

_DEEPEST: Final = 8
_DEEPEST_OPTIONAL: Final = 3
_MOST_VALUES: Final = 1_000
_FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "uuid": "${uuid}",
        "email": "${uuid}@example.org",
        "date": "2026-01-31",
        "date-time": "2026-01-31T12:00:00Z",
        "time": "12:00:00Z",
        "uri": "https://example.org/",
        "url": "https://example.org/",
        "hostname": "example.org",
        "ipv4": "192.0.2.1",
        "ipv6": "2001:db8::1",
        "byte": "dGV4dA==",
    }
)


def written_example(schema: Any) -> Any:
    """Return the value that a schema itself writes down; None where it writes none."""
    if not isinstance(schema, Mapping):
        return None
    for key in ("example", "default", "const"):
        if schema.get(key) is not None:
            return plain(schema[key])
    for key in ("examples", "enum"):
        listed = schema.get(key)
        if isinstance(listed, list) and listed:
            return plain(listed[0])
    return None


@dataclass(frozen=True, slots=True)
class MadeUpValues:
    """Make up values; secrets become variables, and written examples are taken as they are.

    Attributes:
        taking: keeps secrets out.
    """

    taking: TakingOver
    _made: Iterator[int] = field(default_factory=count)

    def sample(self, schema: Any, name: str = "", depth: int = 0) -> Any:
        """Make up a value that fits a schema; the smallest that is not empty.

        Args:
            schema: with its references replaced.
            name: the name of the member, which tells a secret.
            depth: how deep it is nested.

        Raises:
            NoSampleError: it needs what nobody can make up.
        """
        if depth > _DEEPEST:
            raise NoSampleError("it is nested too deeply, or within itself")
        if next(self._made) > _MOST_VALUES:
            raise NoSampleError(f"it needs more than {_MOST_VALUES:,} values")
        if not isinstance(schema, Mapping):
            return "text"
        if is_secret_member(name, schema) and _type_of(schema) in {"string", "integer"}:
            return self.taking.secrets.in_body(name)
        if (example := written_example(schema)) is not None:
            return self.taking.within(example, name)
        for key in ("oneOf", "anyOf"):
            if isinstance(options := schema.get(key), list) and options:
                return self.sample(_first_of(options), name, depth + 1)
        if isinstance(parts := schema.get("allOf"), list) and parts:
            whole = _joined(schema, parts)
            is_object = "properties" in whole
            return self._object(whole, depth) if is_object else self.sample(whole, name, depth + 1)
        return self._by_type(schema, name, depth)

    def _by_type(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        kind = _type_of(schema)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind in {"integer", "number"}:
            return made_up_number(schema, is_whole=kind == "integer")
        return True if kind == "boolean" else _text(schema)

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        """Fill as many places as there have to be, at least one."""
        items, count = schema.get("items"), _least_items(schema)
        if count > 1 and schema.get("uniqueItems") is True:
            return self._different(items, name, count)
        one = self.sample(items, name, depth + 1)
        if count * _size(one) > _MOST_VALUES:
            raise NoSampleError(f"it needs {count:,} items")
        return [one] * count

    def _different(self, items: Any, name: str, count: int) -> list[Any]:
        listed = items.get("enum") if isinstance(items, Mapping) else None
        distinct = {json.dumps(plain(value), sort_keys=True): value for value in listed or ()}
        if is_secret_member(name, items) or len(distinct) < count:
            raise NoSampleError(f"it needs {count:,} items that differ")
        return [self.taking.within(plain(value), name) for value in [*distinct.values()][:count]]

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """Fill what is required, or all where nothing is and it is not deep within another."""
        members = table_of(schema.get("properties"))
        required = schema.get("required")
        names = [name for name in required if name in members] if isinstance(required, list) else []
        made: dict[str, Any] = {}
        if not names and depth > _DEEPEST_OPTIONAL:
            return made
        for name in names or members:
            if _is_read_only(members[name]):
                continue
            try:
                made[str(name)] = self.sample(members[name], str(name), depth + 1)
            except NoSampleError:
                if names:
                    raise
        return made


def _type_of(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):  # OpenAPI 3.1: ["string", "null"]
        kind = next((word for word in kind if word != "null"), "string")
    if isinstance(kind, str):
        return kind
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _joined(schema: Mapping[str, Any], parts: list[Any]) -> dict[str, Any]:
    """Return all parts as one schema; an example of a part is none of an object as a whole."""
    joined: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    required: list[Any] = []
    for part in (schema, *parts):
        if isinstance(part, Mapping):
            inner = part.get("allOf") if part is not schema else None
            whole = _joined({**part, "allOf": None}, inner) if inner else part
            joined |= {key: value for key, value in whole.items() if key != "allOf"}
            properties |= dict(whole.get("properties") or {})
            required += list(whole.get("required") or [])
    if properties:
        return {"properties": properties, "required": required}
    return joined


def _first_of(options: list[Any]) -> Any:
    real = [
        option
        for option in options
        if not (isinstance(option, Mapping) and option.get("type") == "null")
    ]
    return (real or options)[0]


def _is_read_only(schema: Any) -> bool:
    return isinstance(schema, Mapping) and bool(schema.get("readOnly"))


def _least_items(schema: Mapping[str, Any]) -> int:
    least = schema.get("minItems", 1)
    return max(1, int(least)) if isinstance(least, int | float) and math.isfinite(least) else 1


def _size(value: Any) -> int:
    """Count the values in a value."""
    if isinstance(value, Mapping):
        return 1 + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1


def _text(schema: Mapping[str, Any]) -> str:
    if isinstance(schema.get("format"), str) and (known := _FORMATS.get(schema["format"])):
        return known
    if isinstance(schema.get("pattern"), str):
        raise NoSampleError(f"it has to match {schema['pattern']!r}")
    shortest = schema.get("minLength", 0)
    longest = schema.get("maxLength", 1_000)
    shortest = shortest if isinstance(shortest, int) else 0
    text = "text" * (min(shortest, 1_000) // 4 + 1)
    return text[: longest if isinstance(longest, int) and longest > 0 else 1_000]


def plain(value: Any) -> Any:
    """Copy a value without references that are resolved only when they are looked at."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def is_secret_member(name: str, schema: Any) -> bool:
    """Say whether a member of a body holds a secret, by its name or its format."""
    written = schema.get("format") if isinstance(schema, Mapping) else None
    return written == "password" or is_secret_name(name)
