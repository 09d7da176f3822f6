"""Provide the backlog for the ceiling of consuming: count the messages, and add missing ones.

It runs in the driver, before a load. Add here: another requirement on a backlog. Keep out:
measuring.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from perf_pipeline.config.kafka_client import kafka_settings, shown_brokers
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.workloads.kafka.deliveries import Batch, queue_batch
from perf_pipeline.workloads.kafka.errors import cause, unavailable
from perf_pipeline.workloads.kafka.first_look import require_topic
from perf_pipeline.workloads.kafka.topics import committed, watermarks

_TIMEOUT_S: Final = 30.0
_BATCH: Final = 10_000
_POLL_S: Final = 0.01


def ensure_backlog(brokers: str, group: str, topic: str, messages: int, *, value: bytes) -> int:
    """Ensure that enough messages wait for a group; return how many were produced for that.

    Args:
        brokers: bootstrap servers.
        group: the group, which has no members and whose position is fixed.
        topic: the topic of the backlog.
        messages: the least number of messages that wait afterwards.
        value: the value of the messages that are produced.

    Raises:
        TargetUnavailableError: the brokers do not answer, have no such topic, or refuse a message.
    """
    positions = committed(brokers, group, topic)
    waiting = sum(
        replace(mark, committed_offset=positions[mark.partition]).messages
        for mark in watermarks(brokers, topic)
    )
    missing = max(0, messages - waiting)
    if missing:
        _fill(brokers, topic, missing, value)
    return missing


def _fill(brokers: str, topic: str, count: int, value: bytes) -> None:
    producer = Producer(
        {**kafka_settings(brokers), "enable.idempotence": True, "linger.ms": 5, "log_level": 0}
    )
    require_topic(producer, brokers, topic)
    refusals: list[KafkaError] = []

    def report(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            refusals.append(error)

    try:
        for batch in _batches(count, value):
            waiting = batch
            while waiting:
                waiting = queue_batch(producer, topic, waiting, report)
                producer.poll(_POLL_S if waiting else 0)
        left = producer.flush(_TIMEOUT_S)
    except KafkaException as error:
        raise unavailable(brokers, f"filling up the topic {topic}", cause(error)) from error
    if refusals:
        raise unavailable(brokers, f"filling up the topic {topic}", refusals[0])
    if left:
        raise TargetUnavailableError(
            f"{left} of {count} messages were not delivered to {topic} on "
            f"{shown_brokers(brokers)} within 30 s"
        )


def _batches(count: int, value: bytes) -> Iterator[Batch]:
    for begin in range(0, count, _BATCH):
        size = min(_BATCH, count - begin)
        yield [{"key": b"user-%d" % (begin + n), "value": value} for n in range(size)]
