"""Rewind partitions that stay assigned during a rebalance, so that skipped messages come again.

If brokers assign partitions (KIP-848), a member keeps those that it need not give up.
Add here: another rule of where a partition continues. Keep out: what counts as finished
(offsets.py).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

END: Final = KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's own codes have this name in the public API


def go_back(consumer: Consumer, topic: str, offsets: Mapping[int, int]) -> None:
    """Seek to these offsets in the partitions that are still assigned.

    Raises:
        KafkaException: seeking in a partition failed.
    """
    for held in consumer.assignment():
        if held.topic == topic and held.partition in offsets:
            consumer.seek(TopicPartition(topic, held.partition, offsets[held.partition]))


def is_failure(message: Message) -> bool:
    """Say whether this is an error of the consumer, not a message or the end of a partition."""
    error = message.error()
    return error is not None and error.code() != END


def first_offsets(messages: Sequence[Message]) -> dict[int, int]:
    """Return the lowest offset of each partition among messages and ends of partitions."""
    least = dict[int, int]()
    for message in messages:
        partition, offset = message.partition(), message.offset()
        if not is_failure(message) and partition is not None and offset is not None:
            least[partition] = min(offset, least.get(partition, offset))
    return least
