"""Find the brokers that lead the partitions of a topic, and those that could lead.

Add here: another question about leaders. Keep out: electing leaders (kafka_election.py), and when
that happens (loading/).
"""

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.errors import StackError

_ASK_S: Final = 10.0
_KNOWN_WITHIN_S: Final = 3.0  # the controller knows a new topic a moment before all brokers
_POLL_S: Final = 0.1
_NOBODY: Final = -1
_NO_TOPIC: Final = "name a topic that exists, and give a user who may describe it"


@dataclass(frozen=True, slots=True)
class PartitionLeader:
    """Describe the leader of a partition.

    Attributes:
        partition: the number of the partition.
        leader: the id of the broker; -1 if there is no leader.
        replicas: the ids of the brokers that keep it, the preferred leader first.
        in_sync: the brokers that have all of it.
    """

    partition: int
    leader: int
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]

    @property
    def next(self) -> int:
        """Return the next leader: the first broker in sync after the present leader."""
        at = self.replicas.index(self.leader)
        behind = (*self.replicas[at + 1 :], *self.replicas[:at])
        return next(broker for broker in behind if broker in self.in_sync)

    def led_by(self, broker: int) -> tuple[int, ...]:
        """Return its brokers in an order in which this one is the preferred leader."""
        return (broker, *(other for other in self.replicas if other != broker))


@dataclass(frozen=True, slots=True)
class TopicLeaders:
    """Hold the leaders of a topic's partitions, to restore them.

    Attributes:
        topic: the name of the topic.
        partitions: the partitions of the topic.
        allowed: hosts other than this machine on which brokers may be.
    """

    topic: str
    partitions: tuple[PartitionLeader, ...]
    allowed: tuple[str, ...] = ()

    def as_text(self) -> str:
        """Return it as JSON."""
        found = [(it.partition, it.leader, it.replicas, it.in_sync) for it in self.partitions]
        return json.dumps({"topic": self.topic, "allowed": self.allowed, "partitions": found})

    @classmethod
    def from_text(cls, text: str) -> "TopicLeaders":
        """Read what `as_text` wrote.

        Raises:
            ValueError, KeyError: `as_text` did not write this.
        """
        document = json.loads(text)
        partitions = tuple(
            PartitionLeader(number, leader, tuple(replicas), tuple(in_sync))
            for number, leader, replicas, in_sync in document["partitions"]
        )
        return cls(document["topic"], partitions, tuple(document["allowed"]))


def movable_leaders(brokers: str, topic: str, allowed: Iterable[str] = ()) -> TopicLeaders:
    """Return the leaders of a topic, each of whose partitions another broker could lead.

    Raises:
        StackError: there is no such topic, no other broker is in sync for one of its partitions, or
            the brokers do not answer.
    """
    found = known_leaders(brokers, topic)
    if not found:
        raise StackError(f"there is no topic {topic}, so nobody leads it", hint=_NO_TOPIC)
    for it in found:
        where = f"partition {it.partition} of the topic {topic}"
        if len(it.replicas) < 2:
            raise StackError(
                f"{where} has one replica only, on broker {it.replicas[0]}, so no other broker can "
                "lead it",
                hint=f"give {topic} a replication factor of 2 or more, or leave the fault out",
            )
        if it.leader not in it.replicas:
            raise StackError(f"{where} has no leader now", hint="repair the brokers first")
        if len(it.in_sync) < 2:
            raise StackError(
                f"{where} is led by broker {it.leader}, and no other one is in sync",
                hint="wait until the replicas of the topic are in sync",
            )
    return TopicLeaders(topic, tuple(found), tuple(allowed))


def leading_broker(brokers: str, topic: str) -> int:
    """Return the id of the broker that leads most partitions of a topic; the lowest if several do.

    Raises:
        StackError: there is no such topic, nobody leads it, or the brokers do not answer.
    """
    found = partition_leaders(brokers, topic)
    if not found:
        raise StackError(f"there is no topic {topic}, so no broker leads it", hint=_NO_TOPIC)
    if (broker := busiest(found)) is None:
        raise StackError(f"no broker leads a partition of {topic} now")
    return broker


def busiest(partitions: Iterable[PartitionLeader]) -> int | None:
    """Return the broker that leads most of these partitions, the lowest of several; or None.

    >>> led = {0: -1, 1: 3, 2: -1, 3: 2, 4: 3}
    >>> busiest(PartitionLeader(number, broker, (2, 3), ()) for number, broker in led.items())
    3
    >>> busiest([PartitionLeader(0, -1, (2, 3), ())])
    """
    counts = Counter(it.leader for it in partitions if it.leader != _NOBODY)
    return min(counts, key=lambda broker: (-counts[broker], broker), default=None)


def known_leaders(brokers: str, topic: str) -> list[PartitionLeader]:
    """Return the leader of each partition, even if not all brokers know the topic yet.

    Raises:
        StackError: the brokers do not answer.
    """
    until_s = time.monotonic() + _KNOWN_WITHIN_S
    while not (found := partition_leaders(brokers, topic)) and time.monotonic() < until_s:
        time.sleep(_POLL_S)
    return found


def partition_leaders(
    brokers: str, topic: str, connected: AdminClient | None = None
) -> list[PartitionLeader]:
    """Return the leader of each partition of a topic; empty if there is no such topic.

    Args:
        brokers: bootstrap servers, with the settings that they ask for.
        topic: the name of the topic.
        connected: a client that is already connected to them.

    Raises:
        StackError: the brokers do not answer.
    """
    try:
        client = connected or AdminClient({**kafka_settings(brokers), "log_level": 0})
        # All topics: asking for one by name would create it where brokers auto-create.
        found = client.list_topics(timeout=_ASK_S).topics.get(topic)
    except KafkaException as error:
        raise StackError(f"the brokers did not say who leads {topic}: {error}") from error
    if found is None:
        return []
    return [
        PartitionLeader(number, it.leader, tuple(it.replicas), tuple(it.isrs))
        for number, it in sorted(found.partitions.items())
    ]
