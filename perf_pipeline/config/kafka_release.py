"""Find out from an ApiVersions response which release a Kafka broker runs.

Sources: Kafka's protocol guide (ApiVersions v3, compact arrays, tagged fields); the levels of
MetadataVersion in Apache Kafka's server-common.
Add here: the level of a newer release. Keep out: connecting (kafka_listeners.py).
"""

import struct
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from perf_pipeline.config.kafka_wire import varint_at

_FETCH: Final = 1
_SUPPORTED_FEATURES: Final = 0  # the tag of the field
_METADATA_VERSION: Final = "metadata.version"
# The first level of each release, in order.
_RELEASES: Final = (
    (1, "3.0"), (2, "3.1"), (3, "3.2"), (4, "3.3"), (8, "3.4"), (9, "3.5"), (12, "3.6"),
    (15, "3.7"), (20, "3.8"), (21, "3.9"), (22, "4.0"), (26, "4.1"), (28, "4.2"), (30, "4.3"),
)  # fmt: skip
_NEWEST_LEVEL: Final = 30


def release_in(answer: bytes) -> str:
    """Return the release from a response of ApiVersions v3, else the highest version of Fetch.

    Args:
        answer: the response without its size and correlation id.

    Raises:
        struct.error: the bytes are not such a response; a `LookupError` means the same.
    """
    fetch, features = _read(answer)
    level = features.get(_METADATA_VERSION)
    if level is None:
        return f"Fetch up to version {fetch}"
    if level > _NEWEST_LEVEL:
        return f"Apache Kafka, metadata.version {level}"
    place = bisect_right([first for first, _ in _RELEASES], level) - 1
    return f"Apache Kafka {_RELEASES[max(0, place)][1]}"


def _read(answer: bytes) -> tuple[int, dict[str, int]]:
    (code,) = struct.unpack_from(">h", answer)
    if code:
        raise struct.error("the broker refuses ApiVersions v3")
    count, at = varint_at(answer, 2)
    fetch = 0
    for _ in range(count - 1):
        key, _, highest = struct.unpack_from(">hhh", answer, at)
        fetch = highest if key == _FETCH else fetch
        at = _behind_tags(answer, at + 6)
    for tag, begins, _ in _tags(answer, at + 4):  # after the throttle time
        if tag == _SUPPORTED_FEATURES:
            return fetch, _features(answer, begins)
    return fetch, {}


def _features(answer: bytes, at: int) -> dict[str, int]:
    found = {}
    count, at = varint_at(answer, at)
    for _ in range(count - 1):
        size, at = varint_at(answer, at)
        name, at = answer[at : at + size - 1].decode(), at + size - 1
        _, found[name] = struct.unpack_from(">hh", answer, at)
        at = _behind_tags(answer, at + 4)
    return found


def _tags(answer: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Return the tag, begin and end of each tagged field."""
    count, at = varint_at(answer, at)
    for _ in range(count):
        tag, at = varint_at(answer, at)
        size, at = varint_at(answer, at)
        yield tag, at, at + size
        at += size


def _behind_tags(answer: bytes, at: int) -> int:
    ends = [end for _, _, end in _tags(answer, at)]
    return ends[-1] if ends else at + 1
