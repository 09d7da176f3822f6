"""Kafka requests that read and set which brokers keep a partition, and which one should lead it.

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

from perf_pipeline.config.kafka_compact import (
    NO_TAGS,
    behind_tags,
    compact_array,
    compact_text,
    compact_text_at,
)
from perf_pipeline.config.kafka_wire import asked, varint_at

_ALTER: Final = 45
_LIST: Final = 46


def reorder_replicas(
    connection: socket.socket, topic: str, orders: Mapping[int, Sequence[int]], timeout_ms: int
) -> dict[int, int]:
    """Ask the controller to reorder the brokers that keep each partition.

    The first of them is the preferred leader. Where the brokers stay the same, nothing is copied.

    Args:
        connection: a connection to the controller, or to any broker of a cluster without ZooKeeper;
            after the login.
        topic: the topic of the partitions.
        orders: for each partition, the ids of all its brokers in their new order.
        timeout_ms: how long the controller may take.

    Returns:
        Kafka's error code of each partition that was refused. If the request was refused as a
        whole, each partition has the code of the request.

    Raises:
        struct.error, IndexError: the broker does not know this request, or hung up.
    """
    partitions = [
        struct.pack(">i", number) + _numbers(order) + NO_TAGS for number, order in orders.items()
    ]
    body = struct.pack(">i", timeout_ms) + compact_array(
        [compact_text(topic) + compact_array(partitions) + NO_TAGS]
    )
    answer = asked(connection, _ALTER, 0, NO_TAGS + body + NO_TAGS)
    code, at = _head(answer)
    if code:
        return dict.fromkeys(orders, code)
    refused = dict[int, int]()
    topics, at = varint_at(answer, at)
    for _ in range(topics - 1):
        _, at = compact_text_at(answer, at)
        count, at = varint_at(answer, at)
        for _ in range(count - 1):
            number, code = struct.unpack_from(">ih", answer, at)
            _, at = compact_text_at(answer, at + 6)
            at = behind_tags(answer, at)
            refused |= {number: code} if code else {}
        at = behind_tags(answer, at)
    return refused


def is_reassigned_now(
    connection: socket.socket, topic: str, partitions: Collection[int], timeout_ms: int
) -> bool:
    """Say whether a partition is being moved to other brokers; reordering would cancel the move.

    Raises:
        struct.error, IndexError: as for `reorder_replicas`, and when the request is refused.
    """
    named = compact_text(topic) + _numbers(partitions) + NO_TAGS
    body = struct.pack(">i", timeout_ms) + compact_array([named])
    answer = asked(connection, _LIST, 0, NO_TAGS + body + NO_TAGS)
    code, at = _head(answer)
    if code:
        raise struct.error(f"the list of reassignments is refused with code {code}")
    topics, _ = varint_at(answer, at)
    return topics > 1


def _head(answer: bytes) -> tuple[int, int]:
    """Return the error code of a response, and where its topics begin."""
    at = behind_tags(answer, 0) + 4  # the time of throttling
    (code,) = struct.unpack_from(">h", answer, at)
    _, at = compact_text_at(answer, at + 2)
    return code, at


def _numbers(values: Collection[int]) -> bytes:
    return compact_array([struct.pack(">i", value) for value in values])
