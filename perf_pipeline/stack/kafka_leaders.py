"""Who leads the partitions of a topic, and who could.

Add here: another question about leaders. Keep out: how another broker comes to lead
(kafka_election.py), and when that happens (loading/).
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
_KNOWN_WITHIN_S: Final = 3.0  # the controller knows a new topic a moment before all brokers do
_POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class PartitionLeader:
    """Say who leads a partition.

    Attributes:
        partition: its number.
        leader: id of the broker; -1 where nobody does.
        replicas: ids of the brokers that keep it, the preferred leader first.
        in_sync: those that have all of it.
    """

    partition: int
    leader: int
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]

    @property
    def next(self) -> int:
        """Return the broker that is to lead it next: the first in sync behind the leader."""
        at = self.replicas.index(self.leader)
        behind = (*self.replicas[at + 1 :], *self.replicas[:at])
        return next(broker for broker in behind if broker in self.in_sync)

    def led_by(self, broker: int) -> tuple[int, ...]:
        """Return its brokers in the order in which this one is the preferred leader."""
        return (broker, *(other for other in self.replicas if other != broker))


@dataclass(frozen=True, slots=True)
class TopicLeaders:
    """Hold who led the partitions of a topic, for the way back.

    Attributes:
        topic: its name.
        partitions: of it.
        allowed: hosts that the brokers may be at, beside this machine.
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
            ValueError, KeyError: it did not write this.
        """
        document = json.loads(text)
        partitions = tuple(
            PartitionLeader(number, leader, tuple(replicas), tuple(in_sync))
            for number, leader, replicas, in_sync in document["partitions"]
        )
        return cls(document["topic"], partitions, tuple(document["allowed"]))


def movable_leaders(brokers: str, topic: str, allowed: Iterable[str] = ()) -> TopicLeaders:
    """Return who leads a topic of which each partition can be led by another broker as well.

    Raises:
        StackError: there is no such topic, one of its partitions has nobody else in sync, or the
            brokers do not answer.
    """
    until_s = time.monotonic() + _KNOWN_WITHIN_S
    while not (found := partition_leaders(brokers, topic)) and time.monotonic() < until_s:
        time.sleep(_POLL_S)
    if not found:
        raise StackError(f"there is no topic {topic}, so nobody leads it")
    for it in found:
        where = f"partition {it.partition} of the topic {topic}"
        if len(it.replicas) < 2:
            raise StackError(
                f"{where} has one replica only, on broker {it.replicas[0]}, so no other broker can "
                "lead it",
                hint=f"give {topic} a replication factor of 2 or more, or leave the fault out",
            )
        if it.leader not in it.replicas or len(it.in_sync) < 2:
            raise StackError(
                f"{where} is led by broker {it.leader}, and no other one is in sync",
                hint="wait until the replicas of the topic are in sync",
            )
    return TopicLeaders(topic, tuple(found), tuple(allowed))


def leading_broker(brokers: str, topic: str) -> int:
    """Return the id of the broker that leads most partitions of a topic, the lowest of several.

    Raises:
        StackError: there is no such topic, or the brokers do not answer.
    """
    counts = Counter(it.leader for it in partition_leaders(brokers, topic))
    if not counts:
        raise StackError(f"there is no topic {topic}, so no broker leads it")
    return min(counts, key=lambda broker: (-counts[broker], broker))


def partition_leaders(
    brokers: str, topic: str, connected: AdminClient | None = None
) -> list[PartitionLeader]:
    """Return who leads each partition of a topic; none where there is no such topic.

    Args:
        brokers: bootstrap servers, with the settings that they ask for.
        topic: its name.
        connected: a client that is connected to them already.

    Raises:
        StackError: the brokers do not answer.
    """
    try:
        client = connected or AdminClient({**kafka_settings(brokers), "log_level": 0})
        found = client.list_topics(topic, timeout=_ASK_S).topics[topic]
    except KafkaException as error:
        raise StackError(f"the brokers did not say who leads {topic}: {error}") from error
    if found.error is not None and not found.partitions:
        return []
    return [
        PartitionLeader(number, it.leader, tuple(it.replicas), tuple(it.isrs))
        for number, it in sorted(found.partitions.items())
    ]
