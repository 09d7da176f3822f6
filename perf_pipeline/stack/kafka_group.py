"""Who is in a consumer group, and which share of the partitions each member has.

Add here: another question about a group. Keep out: the broker itself (kafka.py), and joining.
"""

import struct
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from perf_pipeline.config.kafka_client import kafka_settings

_HEAD: Final = struct.Struct(">hi")
_LENGTH: Final = struct.Struct(">h")
_COUNT: Final = struct.Struct(">i")


def group_is_settled(brokers: str, group: str, members: int, partitions: int) -> bool:
    """Say whether the consumer group is stable, has its members, and each has its share.

    A load that starts during a rebalance measures the rebalance (two rounds of heartbeats: 6 s).
    """
    busy = [share for share in shares_of(brokers, group) if share]
    return len(busy) >= max(1, min(members, partitions))


def group_is_exactly(brokers: str, group: str, members: int, partitions: int) -> bool:
    """Say whether a settled group has these members, no other one, and all partitions.

    A member that was taken away may hold its share until its session times out.
    """
    shares = shares_of(brokers, group)
    busy = [share for share in shares if share]
    return (len(shares), len(busy), sum(shares)) == (members, min(members, partitions), partitions)


def shares_of(brokers: str, group: str) -> list[int]:
    """Return how many partitions each member of a stable group has; nothing where it is not.

    The newer describe_consumer_groups would end this process with an assertion of librdkafka where
    the connection to the coordinator breaks in the wrong moment (its issue 4605).
    """
    client = AdminClient({**kafka_settings(brokers), "log_level": 0})
    try:
        found = client.list_groups(group, timeout=2.0)
    except KafkaException:
        return []
    return [
        share_in(member.assignment or b"")
        for listed in found
        if listed.state == "Stable"
        for member in listed.members
    ]


def share_in(assignment: bytes) -> int:
    """Count the partitions of a member's assignment, in Kafka's consumer protocol.

    It is a version (16 bits) and how many topics there are (32); of each its name, after its
    length (16), and its partitions, after their number (32 each).

    >>> share_in(bytes.fromhex("0001 00000001 0001 61 00000002 00000000 00000003"))
    2
    >>> share_in(b"")
    0
    """
    if len(assignment) < _HEAD.size:
        return 0
    _, topics = _HEAD.unpack_from(assignment)
    at, share = _HEAD.size, 0
    for _ in range(topics):
        at += _LENGTH.size + _LENGTH.unpack_from(assignment, at)[0]
        [partitions] = _COUNT.unpack_from(assignment, at)
        at += _COUNT.size * (1 + partitions)
        share += partitions
    return share
