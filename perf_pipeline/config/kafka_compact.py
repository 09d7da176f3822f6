"""The newer encoding of Kafka's protocol: lengths of variable size, and tags after each structure.

Source: Kafka's protocol guide (compact types, tagged fields; KIP-482).
Add here: another type of this encoding. Keep out: requests, and the older encoding (kafka_wire.py).
"""

from collections.abc import Sequence
from typing import Final

from perf_pipeline.config.kafka_wire import varint, varint_at

NO_TAGS: Final = b"\0"


def compact_array(items: Sequence[bytes]) -> bytes:
    """Write items, preceded by their number."""
    return varint(len(items) + 1) + b"".join(items)


def compact_text(written: str) -> bytes:
    """Write a text, preceded by its length.

    >>> compact_text("abc").hex()
    '04616263'
    """
    return varint(len(written.encode()) + 1) + written.encode()


def compact_text_at(data: bytes, at: int) -> tuple[str, int]:
    """Read a text that may be absent; return it, and where it ends."""
    size, at = varint_at(data, at)
    end = at + max(0, size - 1)
    return data[at:end].decode(), end


def compact_count_at(data: bytes, at: int) -> tuple[int, int]:
    """Read how many items follow; return it, and where they begin."""
    count, at = varint_at(data, at)
    return max(0, count - 1), at


def behind_tags(data: bytes, at: int) -> int:
    """Skip the tags that begin here; return where they end."""
    count, at = varint_at(data, at)
    for _ in range(count):
        _, at = varint_at(data, at)
        size, at = varint_at(data, at)
        at += size
    return at
