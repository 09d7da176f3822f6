"""Recreate a topic with another number of partitions, once all messages in it are consumed.

Add here: another operation on a topic of the stack. Keep out: the owner of the topic (reference.py,
resizing.py), and topics of a load (workloads/kafka).
"""

import time
from concurrent.futures import Future
from typing import Final

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined] # OffsetSpec is missing in __all__
    AdminClient,
    OffsetSpec,
)
from confluent_kafka.cimpl import NewTopic

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.errors import StackError

_ASK_S: Final = 10.0
_POLL_S: Final = 0.05
_UNKNOWN: Final = KafkaError.UNKNOWN_TOPIC_OR_PART
_EXISTS: Final = KafkaError.TOPIC_ALREADY_EXISTS


def messages_left(brokers: str, group: str, topic: str) -> int:
    """Count the messages of a topic that a group has not consumed; 0 if there is no topic.

    Raises:
        StackError: the broker does not answer.
    """
    client = _client(brokers)
    try:
        partitions = _partitions(client, topic)
        if not partitions:
            return 0
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call] # no types there
        ends = client.list_offsets(dict.fromkeys(partitions, latest), request_timeout=_ASK_S)
        [asked] = client.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group, partitions)], request_timeout=_ASK_S
        ).values()
        done = {found.partition: max(0, found.offset) for found in asked.result().topic_partitions}
        return sum(
            max(0, end.result().offset - done.get(partition.partition, 0))
            for partition, end in ends.items()
        )
    except KafkaException as error:
        raise StackError(f"the broker did not say what is left in {topic}: {error}") from error


def make_anew(brokers: str, topic: str, partitions: int, timeout_s: float) -> None:
    """Delete a topic with all its messages, and create it with this many partitions.

    Raises:
        StackError: the broker refuses, or is not done in time.
    """
    client = _client(brokers)
    give_up_at = time.monotonic() + timeout_s
    _asked(client.delete_topics([topic], operation_timeout=_ASK_S)[topic], _UNKNOWN)
    while not _asked(client.create_topics([NewTopic(topic, partitions)])[topic], _EXISTS):
        if time.monotonic() > give_up_at:
            raise StackError(f"{topic} was not deleted within {timeout_s:g} s")
        time.sleep(_POLL_S)
    while len(_partitions(client, topic)) != partitions:
        if time.monotonic() > give_up_at:
            raise StackError(f"{topic} had no {partitions} partitions within {timeout_s:g} s")
        time.sleep(_POLL_S)


def partitions_of(brokers: str, topic: str) -> int:
    """Count the partitions of a topic; 0 if there is no such topic.

    Raises:
        StackError: the broker does not answer.
    """
    return len(_partitions(_client(brokers), topic))


def _client(brokers: str) -> AdminClient:
    return AdminClient({**kafka_settings(brokers), "log_level": 0})


def _partitions(client: AdminClient, topic: str) -> list[TopicPartition]:
    """Return the partitions of a topic; none if there is no such topic.

    Raises:
        StackError: the broker does not answer.
    """
    try:
        # Ask for all topics: asking for one by name would create it if brokers auto-create.
        found = client.list_topics(timeout=_ASK_S).topics.get(topic)
    except KafkaException as error:
        raise StackError(f"the broker did not describe {topic}: {error}") from error
    if found is None or found.error is not None:
        return []
    return [TopicPartition(topic, it) for it in found.partitions]


def _asked(answer: Future[None], excused: int) -> bool:
    """Say whether the broker did what it was asked to; False for the one harmless error.

    Raises:
        StackError: the broker refused, or did not answer.
    """
    try:
        answer.result(timeout=_ASK_S)
    except TimeoutError:
        raise StackError(f"the broker did not answer within {_ASK_S:g} s") from None
    except KafkaException as error:
        if error.args[0].code() != excused:
            raise StackError(f"the broker refused: {error}") from error
        return False
    return True
