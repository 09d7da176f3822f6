"""Read the id of a user's own message from its JSON value.

Add here: another place of an id. Keep out: which ids can be recorded (metrics/message_ids.py),
messages, and counting by ids.
"""

from perf_pipeline.config.json_path import Place
from perf_pipeline.config.json_values import read_json, value_at
from perf_pipeline.metrics.message_ids import text_of_id


def id_at(value: bytes, path: Place) -> str:
    """Return the id at a place of a JSON value; empty if there is none.

    >>> id_at(b'{"order": {"id": 7}}', ("order", "id"))
    '7'
    """
    return text_of_id(value_at(read_json(value), path))
