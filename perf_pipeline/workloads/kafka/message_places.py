"""Read a place of a message: its key, one of its headers, or a place of its JSON value.

Add here: another place of an id or a time. Keep out: what an id is (metrics/message_ids.py) and
what a time is (metrics/completion.py).
"""

from collections.abc import Callable

from confluent_kafka import Message

from perf_pipeline.config.http_steps import HEADER_PREFIX
from perf_pipeline.config.json_path import parse_json_path
from perf_pipeline.config.json_values import read_json, value_at
from perf_pipeline.config.own_deliveries import KEY


def reader_of(place: str) -> Callable[[Message], object]:
    """Return a function that reads a place of a message, which may hold any JSON value.

    The function returns None or `ABSENT` if nothing is there. Keys and headers are decoded as
    UTF-8.

    Args:
        place: `key`, `header:NAME`, or a JSON path into the value.
    """
    if place == KEY:
        return lambda message: _decoded(message.key())
    if place.startswith(HEADER_PREFIX):
        name = place.removeprefix(HEADER_PREFIX)
        return lambda message: _decoded(dict(message.headers() or ()).get(name))
    path = parse_json_path(place)
    return lambda message: value_at(read_json(message.value() or b""), path)


def _decoded(value: object) -> object:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
