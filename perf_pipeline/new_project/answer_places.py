"""Where in an answer the value is that a later path needs, by the schema of the answer.

Add here: another shape of answers that hold lists. Keep out: recordings (recorded_values.py).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from perf_pipeline.new_project.seen_request import member

_DEEPEST: Final = 8


def place_in_answer(schema: Any, name: str) -> str | None:
    """Return the JSON path of the value for a path parameter, of the first element of a list.

    Args:
        schema: of the answer.
        name: of the parameter; `orderId` is taken from `orderId`, `order_id` or `id`.
    """
    for place, members in _objects(schema, "$", 0):
        if (found := _named(members, name)) is not None:
            return f"{place}{member(found)}"
    return None


def _objects(schema: Any, place: str, depth: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return the answer itself if it is an object, or the elements of its lists."""
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return
    if "items" in schema:
        yield from _objects(schema["items"], f"{place}[0]", depth + 1)
        return
    members = _members(schema, depth)
    lists = {
        name: inner
        for name, inner in members.items()
        if isinstance(inner, Mapping) and "items" in inner
    }
    for name, inner in lists.items():
        yield from _objects(inner, f"{place}{member(name)}", depth + 1)
    if members:
        yield place, members


def _members(schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
    found = dict(schema.get("properties") or {})
    if depth < _DEEPEST:
        for key in ("allOf", "oneOf", "anyOf"):
            for part in schema.get(key) or []:
                if isinstance(part, Mapping):
                    found = {**_members(part, depth + 1), **found}
    return found


def _named(members: Mapping[str, Any], name: str) -> str | None:
    wanted = _plain(name)
    by_name = {_plain(str(member)): str(member) for member in members}
    ending = next((word for word in ("uuid", "id") if wanted.endswith(word)), "")
    return by_name.get(wanted) or (by_name.get(ending) if ending else None)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
