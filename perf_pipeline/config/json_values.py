"""Values of JSON documents, found at the place that a JSON path names.

Add here: a function about JSON values that several readers need. Keep out: the grammar of paths
(json_path.py), and what a value means.
"""

import json
from typing import Final

from perf_pipeline.config.json_path import Place

ABSENT: Final = object()
"""Stands for a value that is not there; null is one that is."""


def read_json(text: str | bytes) -> object:
    """Read a JSON document; `ABSENT` if the text is not JSON, or is nested too deeply.

    >>> read_json("[1, null]"), read_json("<html>") is ABSENT
    ([1, None], True)
    """
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return ABSENT
    return found


def same_json(one: object, other: object) -> bool:
    """Say whether two values are equal in JSON, where true is not a number.

    >>> same_json(1, 1.0), same_json(True, 1), same_json([False], [0])
    (True, False, False)
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def value_at(document: object, place: Place) -> object:
    """Return the value at a place of a document; `ABSENT` where there is none.

    >>> value_at({"items": [{"id": 7}]}, ("items", 0, "id"))
    7
    """
    found = document
    for part in place:
        if found.__class__ is str:  # Python can index a string's characters, and JSON can't
            return ABSENT
        try:
            found = found[part]  # type: ignore[index]  # what has no such index says so
        except (LookupError, TypeError):
            return ABSENT
    return found
