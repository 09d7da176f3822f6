"""The ids by which messages are known at every station, as they stand in a header or a JSON value.

Add here: another place where an id may stand. Keep out: messages, and what is counted by ids.
"""

from typing import Final

from perf_pipeline.config.json_path import Place
from perf_pipeline.config.json_values import read_json, value_at

LONGEST_ID: Final = 200


def id_at(value: bytes, path: Place) -> str:
    """Return the id at a place of a JSON value; empty where there is none.

    >>> id_at(b'{"order": {"id": 7}}', ("order", "id"))
    '7'
    """
    found = value_at(read_json(value), path)
    is_number = isinstance(found, int) and not isinstance(found, bool)
    return text_of_id(str(found)) if is_number or isinstance(found, str) else ""


def text_of_id(text: str) -> str:
    """Return an id, if it can be written down: 1 to 200 printable letters; else an empty text."""
    return text if 0 < len(text) <= LONGEST_ID and text.isprintable() else ""
