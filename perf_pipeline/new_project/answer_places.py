"""Where in an answer the value is that a later path needs, by the schema of the answer.

Add here: another shape of answers that hold lists. Keep out: recordings (recorded_values.py).
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from perf_pipeline.new_project.seen_request import member

_DEEPEST: Final = 8
_MOST_PLACES: Final = 1_000


def place_in_answer(schema: Any, name: str) -> str | None:
    """Return the JSON path of the value for a path parameter, of the first element of a list.

    An answer's own id goes before those of the lists in it: an order is not one of its items.

    Args:
        schema: the schema of the answer.
        name: the name of the parameter; `orderId` is taken from `orderId`, `order_id` or `id`.
    """
    for place, members in islice(_objects(schema), _MOST_PLACES):
        if (found := _named(members, name)) is not None:
            return f"{place}{member(found)}"
    return None


def _objects(schema: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return the answer itself if it is an object, then the elements of its lists, level by level.

    The next level is only looked at where the one before has nothing, since it may be large.
    """
    level = [("$", schema)]
    for _ in range(_DEEPEST + 1):
        inner: list[tuple[str, Any]] = []
        for place, here in level:
            where, element = _element(place, here)
            members = _members(element, 0)
            if members:
                yield where, members
            inner += [
                (f"{where}{member(name)}", value)
                for name, value in members.items()
                if isinstance(value, Mapping) and "items" in value
            ]
        level = inner[:_MOST_PLACES]


def _element(place: str, schema: Any) -> tuple[str, Any]:
    """Return the first element of a list, also of a list of lists; anything else as it is."""
    for _ in range(_DEEPEST):
        if not (isinstance(schema, Mapping) and "items" in schema):
            break
        place, schema = f"{place}[0]", schema["items"]
    return place, schema


def _members(schema: Any, depth: int) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        return {}
    found = dict(schema.get("properties") or {})
    if depth < _DEEPEST:
        for key in ("allOf", "oneOf", "anyOf"):
            for part in schema.get(key) or []:
                found = {**_members(part, depth + 1), **found}
    return found


def _named(members: Mapping[str, Any], name: str) -> str | None:
    wanted = _plain(name)
    by_name = {_plain(str(member)): str(member) for member in members}
    ending = next((word for word in ("uuid", "id") if wanted.endswith(word)), "")
    return by_name.get(wanted) or (by_name.get(ending) if ending else None)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
