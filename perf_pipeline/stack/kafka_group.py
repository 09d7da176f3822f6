"""Find the members of a consumer group, and the partitions of each member.

Add here: another question about a group. Keep out: the broker itself (kafka.py), and joining.
"""

import struct
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from confluent_kafka import ConsumerGroupType, KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from perf_pipeline.config.allowed import AllowedHosts
from perf_pipeline.config.hosts import Place
from perf_pipeline.config.kafka_client import client_properties, kafka_settings
from perf_pipeline.config.kafka_listeners import BrokerAccess
from perf_pipeline.config.kafka_newer_groups import NewerGroup, newer_groups
from perf_pipeline.errors import TargetUnavailableError

_HEAD: Final = struct.Struct(">hi")
_LENGTH: Final = struct.Struct(">h")
_COUNT: Final = struct.Struct(">i")
_PROTOCOL: Final = "consumer"
_SETTLED: Final = "Stable"
_ASK_S: Final = 2.0


class Holder(NamedTuple):
    """Hold the member that has a partition of a topic.

    Attributes:
        group: the consumer group.
        member: the member of the group.
        partition: the partition of the topic.
    """

    group: str
    member: str
    partition: int


def group_is_settled(brokers: str, group: str, members: int, partitions: int) -> bool:
    """Say whether the consumer group is stable, has all members, and each has its share.

    A load that starts during a rebalance measures the rebalance (two rounds of heartbeats: 6 s).
    """
    busy = [share for share in shares_of(brokers, group) if share]
    return len(busy) >= max(1, min(members, partitions))


def group_is_exactly(brokers: str, group: str, members: int, partitions: int) -> bool:
    """Say whether a settled group has exactly these members, and all partitions.

    A removed member may keep its share until its session times out.
    """
    shares = shares_of(brokers, group)
    busy = [share for share in shares if share]
    return (len(shares), len(busy), sum(shares)) == (members, min(members, partitions), partitions)


def shares_of(brokers: str, group: str) -> list[int]:
    """Return how many partitions each member of a stable group has; nothing if it is not stable.

    The newer describe_consumer_groups would end this process with an assertion of librdkafka if the
    connection to the coordinator breaks at the wrong moment (its issue 4605).
    """
    client = AdminClient({**kafka_settings(brokers), "log_level": 0})
    try:
        found = client.list_groups(group, timeout=_ASK_S)
        newer = _newer(client, brokers, (group,))
    except KafkaException:
        return []
    return [
        share_in(member.assignment or b"")
        for listed in found
        if listed.state == _SETTLED
        for member in listed.members
    ] + [len(member.places) for it in newer for member in it.members]


def is_taken(brokers: str, topic: str) -> bool:
    """Say whether members of any settled groups have all partitions of a topic."""
    client = AdminClient({**kafka_settings(brokers), "log_level": 0})
    try:
        # Ask for all topics: asking for one by name would create it if brokers auto-create.
        found = client.list_topics(timeout=_ASK_S).topics.get(topic)
        wanted = set[int]() if found is None else set[int](found.partitions)
        taken = {holder.partition for holder in _holders(client, brokers, topic)}
    except KafkaException:
        return False
    return bool(wanted) and taken >= wanted


class AskedTopic:
    """Ask repeatedly over one connection which members have the partitions of a topic.

    Args:
        brokers: bootstrap servers, with the settings that they ask for.
        topic: the consumed topic.
    """

    def __init__(self, brokers: str, topic: str) -> None:
        self._client = AdminClient({**kafka_settings(brokers), "log_level": 0})
        self._brokers = brokers
        self._topic = topic

    def holders(self, groups: Collection[str] = ()) -> frozenset[Holder] | None:
        """Return the members of these or all groups that have them; None if brokers don't say."""
        try:
            return _holders(self._client, self._brokers, self._topic, groups)
        except KafkaException:
            return None


def _holders(
    client: AdminClient, brokers: str, topic: str, groups: Collection[str] = ()
) -> frozenset[Holder]:
    """Return the members of settled groups that have partitions of a topic.

    Args:
        client: the client of the cluster.
        brokers: bootstrap servers, with the settings that they ask for.
        topic: the consumed topic.
        groups: the groups; empty for all of the cluster.

    Raises:
        KafkaException: the brokers do not answer the question.
    """
    asked = [client.list_groups(group, timeout=_ASK_S) for group in groups]
    classic = (
        Holder(str(group.id), str(member.id), partition)
        for found in (asked if groups else [client.list_groups(timeout=_ASK_S)])
        for group in found
        if str(group.state) == _SETTLED and str(group.protocol_type) == _PROTOCOL
        for member in group.members
        for name, partition in places_in(member.assignment or b"")
        if name == topic
    )
    newer = (
        Holder(group.group, member.member, partition)
        for group in _newer(client, brokers, groups)
        for member in group.members
        for name, partition in member.places
        if name == topic
    )
    return frozenset([*classic, *newer])


def _newer(client: AdminClient, brokers: str, groups: Collection[str]) -> list[NewerGroup]:
    """Return the settled groups whose brokers assign partitions (KIP-848).

    The older request reports such a group as dead.

    Args:
        client: the client of the cluster.
        brokers: bootstrap servers, with the settings that they ask for.
        groups: the groups; empty for all of the cluster.

    Raises:
        KafkaException: the brokers do not list their groups.
    """
    # There is no filter for types, which brokers before Kafka 3.8 do not know.
    listed = client.list_consumer_groups(request_timeout=_ASK_S).result()
    if listed.errors:
        raise KafkaException(listed.errors[0])  # a silent broker may have groups
    of_brokers = (it.group_id for it in listed.valid if it.type is ConsumerGroupType.CONSUMER)
    names = {name for name in of_brokers if not groups or name in groups}
    if not names:
        return []
    access = BrokerAccess(AllowedHosts.read(()), client_properties(brokers))
    told, silence = list[NewerGroup](), (OSError, struct.error, IndexError, UnicodeError)
    for broker in client.list_topics(timeout=_ASK_S).brokers.values():
        place = Place(str(broker.host), int(broker.port))
        with suppress(*silence, TargetUnavailableError), access.entered(place) as connection:
            told += [it for it in newer_groups(connection, names) if not it.code]
    if names - {it.group for it in told}:
        raise KafkaException(KafkaError(KafkaError.COORDINATOR_NOT_AVAILABLE))
    return [it for it in told if it.state == _SETTLED]


def share_in(assignment: bytes) -> int:
    """Count the partitions of a member's assignment.

    >>> share_in(bytes.fromhex("0001 00000001 0001 61 00000002 00000000 00000003"))
    2
    """
    return sum(1 for _ in places_in(assignment))


def places_in(assignment: bytes) -> list[tuple[str, int]]:
    """Return topic and partition of a member's assignment, in Kafka's consumer protocol.

    It consists of a version (16 bits) and the number of topics (32); for each topic the length of
    its name (16), the name, the number of partitions, and the partitions (32 each).

    Anything else yields none, because programs may use Kafka's groups to assign other work.

    >>> places_in(bytes.fromhex("0001 00000001 0001 61 00000002 00000000 00000003"))
    [('a', 0), ('a', 3)]
    >>> places_in(b"")
    []
    >>> places_in(b"a JSON of somebody")
    []
    """
    try:
        return list(_places(assignment))
    except (struct.error, ValueError):  # a text that is not UTF-8 is a ValueError
        return []


def _places(assignment: bytes) -> Iterator[tuple[str, int]]:
    if len(assignment) < _HEAD.size:
        return
    _, topics = _HEAD.unpack_from(assignment)
    at = _HEAD.size
    for _ in range(topics):
        [length] = _LENGTH.unpack_from(assignment, at)
        if length < 0:
            raise ValueError(length)
        name = assignment[at + _LENGTH.size : at + _LENGTH.size + length].decode()
        at += _LENGTH.size + length
        [partitions] = _COUNT.unpack_from(assignment, at)
        if partitions < 0:
            raise ValueError(partitions)
        for place in range(partitions):
            yield name, _COUNT.unpack_from(assignment, at + _COUNT.size * (1 + place))[0]
        at += _COUNT.size * (1 + partitions)
