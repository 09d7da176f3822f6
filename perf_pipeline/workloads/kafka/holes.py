"""Holes in the offsets of a partition: was a message there that a consumer was not given?

The end of a transaction takes an offset, what an aborted one wrote is passed over, and compaction
removes messages: such holes are there for everybody. Whether one is, a second reader finds out.
Add here: another way to tell a hole from a loss. Keep out: which batch it was in.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from perf_pipeline.config.kafka_client import onlooker_settings
from perf_pipeline.workloads.kafka.errors import cause, error_class

GAP: Final = "gap"
EXPIRED: Final = "expired"
WITHIN_S: Final = 2.0
_END: Final = KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's own codes have this name in the public API
_DELETED: Final = KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001 - as above


@dataclass(frozen=True, slots=True)
class Hole:
    """Hold offsets of which no message came.

    Attributes:
        partition: where.
        begin: the first of them.
        end: the offset after the last of them, which had a message.
    """

    partition: int
    begin: int
    end: int

    @property
    def width(self) -> int:
        """Return the number of its offsets."""
        return self.end - self.begin


def losses_in(
    holes: Iterable[Hole], brokers: str, topic: str, group: str
) -> Iterator[tuple[Hole, str]]:
    """Yield the holes in which another reader finds messages, each with a class of error.

    `gap`: a message is there. `expired`: the brokers deleted what was there, before or after it was
    passed over. Where they do not tell, their error stands for it. Blocks for up to 2 s; what is
    left then is not looked into.

    Args:
        holes: to look into, the most important first.
        brokers: bootstrap servers, with credentials.
        topic: of the holes.
        group: whose rights are used; it is not joined, and its position stays.
    """
    reader = Consumer(
        {
            **onlooker_settings(brokers, group),
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",
        }
    )
    until_s = time.monotonic() + WITHIN_S
    try:
        for hole in holes:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                return
            error = _loss_in(hole, reader, topic, left_s)
            if error:
                yield hole, error
            if error not in {"", GAP, EXPIRED}:
                return  # they would not tell of the next one either
    finally:
        reader.close()


def _loss_in(hole: Hole, reader: Consumer, topic: str, within_s: float) -> str:
    try:
        reader.assign([TopicPartition(topic, hole.partition, hole.begin)])
        found = reader.poll(within_s)
    except KafkaException as failure:
        return error_class(cause(failure))
    if found is None:
        return "timed_out"
    error, offset = found.error(), found.offset()
    if error is not None and error.code() != _END:
        return EXPIRED if error.code() == _DELETED else error_class(error)
    return "" if offset is not None and offset >= hole.end else GAP
