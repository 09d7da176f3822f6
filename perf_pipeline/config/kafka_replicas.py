"""Requests about which brokers keep a partition, and which of them is preferred to lead it.

AlterPartitionReassignments v0 and ListPartitionReassignments v0 (KIP-455, Apache Kafka 2.4 and
newer), which librdkafka does not have.
Source: Kafka's protocol guide (compact types, tagged fields).
Add here: another field or version of the two. Keep out: connecting (kafka_listeners.py), and when
leaders change (stack/kafka_election.py).
"""

import socket
import struct
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from perf_pipeline.config.kafka_wire import asked, varint, varint_at

_ALTER: Final = 45
_LIST: Final = 46
_NO_TAGS: Final = b"\0"


def reorder_replicas(
    connection: socket.socket, topic: str, orders: Mapping[int, Sequence[int]], timeout_ms: int
) -> dict[int, int]:
    """Ask the controller for another order of the brokers that keep each partition.

    The first of them is the preferred leader. Where the brokers stay the same, nothing is copied.

    Args:
        connection: to the controller, or to any broker of a cluster without ZooKeeper; logged in.
        topic: of the partitions.
        orders: the ids of all brokers of each partition, in their new order.
        timeout_ms: how long the controller may take.

    Returns:
        Kafka's error code of each partition that was refused; that of the request, where it was
        refused as a whole, is those of all.

    Raises:
        struct.error, IndexError: the broker does not know this request, or hung up.
    """
    partitions = [
        struct.pack(">i", number) + _numbers(order) + _NO_TAGS for number, order in orders.items()
    ]
    body = struct.pack(">i", timeout_ms) + _array([_text(topic) + _array(partitions) + _NO_TAGS])
    answer = asked(connection, _ALTER, 0, _NO_TAGS + body + _NO_TAGS)
    code, at = _head(answer)
    if code:
        return dict.fromkeys(orders, code)
    refused = dict[int, int]()
    topics, at = varint_at(answer, at)
    for _ in range(topics - 1):
        _, at = _text_at(answer, at)
        count, at = varint_at(answer, at)
        for _ in range(count - 1):
            number, code = struct.unpack_from(">ih", answer, at)
            _, at = _text_at(answer, at + 6)
            at = _behind_tags(answer, at)
            refused |= {number: code} if code else {}
        at = _behind_tags(answer, at)
    return refused


def is_reassigned_now(
    connection: socket.socket, topic: str, partitions: Collection[int], timeout_ms: int
) -> bool:
    """Say whether a partition is being moved to other brokers, which another order would end.

    Raises:
        struct.error, IndexError: as `reorder_replicas`; the request was refused, too.
    """
    named = _text(topic) + _numbers(partitions) + _NO_TAGS
    body = struct.pack(">i", timeout_ms) + _array([named])
    answer = asked(connection, _LIST, 0, _NO_TAGS + body + _NO_TAGS)
    code, at = _head(answer)
    if code:
        raise struct.error(f"the list of reassignments is refused with code {code}")
    topics, _ = varint_at(answer, at)
    return topics > 1


def _head(answer: bytes) -> tuple[int, int]:
    """Return the code of a whole answer, and where its topics begin."""
    at = _behind_tags(answer, 0) + 4  # the time of throttling
    (code,) = struct.unpack_from(">h", answer, at)
    _, at = _text_at(answer, at + 2)
    return code, at


def _numbers(values: Collection[int]) -> bytes:
    return _array([struct.pack(">i", value) for value in values])


def _array(items: Sequence[bytes]) -> bytes:
    return varint(len(items) + 1) + b"".join(items)


def _text(written: str) -> bytes:
    return varint(len(written.encode()) + 1) + written.encode()


def _text_at(data: bytes, at: int) -> tuple[str, int]:
    """Read a compact text, or none; return it, and where it ends."""
    size, at = varint_at(data, at)
    end = at + max(0, size - 1)
    return data[at:end].decode(), end


def _behind_tags(data: bytes, at: int) -> int:
    count, at = varint_at(data, at)
    for _ in range(count):
        _, at = varint_at(data, at)
        size, at = varint_at(data, at)
        at += size
    return at
