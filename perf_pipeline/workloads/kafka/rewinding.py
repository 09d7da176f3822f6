"""Messages that come again: a rebalance that leaves partitions where they are goes back in them.

Where brokers share the work out (KIP-848), a member keeps what it is not asked for.
Add here: another rule of where a partition goes on. Keep out: what counts as done (offsets.py).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

END: Final = KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's own codes have this name in the public API


def go_back(consumer: Consumer, topic: str, offsets: Mapping[int, int]) -> None:
    """Let messages from these offsets on come again, of the partitions that are still assigned.

    Raises:
        KafkaException: a partition can't be sought.
    """
    for held in consumer.assignment():
        if held.topic == topic and held.partition in offsets:
            consumer.seek(TopicPartition(topic, held.partition, offsets[held.partition]))


def is_failure(message: Message) -> bool:
    """Say whether it is an error of the consumer: neither a message nor a partition's end."""
    error = message.error()
    return error is not None and error.code() != END


def first_offsets(messages: Sequence[Message]) -> dict[int, int]:
    """Return the least offset of each partition among messages and ends of partitions."""
    least = dict[int, int]()
    for message in messages:
        partition, offset = message.partition(), message.offset()
        if not is_failure(message) and partition is not None and offset is not None:
            least[partition] = min(offset, least.get(partition, offset))
    return least
