"""Find out whether gaps in a partition's offsets hide messages that a consumer did not get.

The end of a transaction takes an offset, messages of an aborted transaction are skipped, and
compaction removes messages: such holes exist for every consumer. A second reader finds out whether
a hole is one of these.
Add here: another way to tell a hole from a loss. Keep out: the batch that a hole was in.
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
    """Hold a range of offsets without messages.

    Attributes:
        partition: the partition.
        begin: the first of these offsets.
        end: the offset after the last of them, for which a message came.
    """

    partition: int
    begin: int
    end: int

    @property
    def width(self) -> int:
        """Return the number of offsets."""
        return self.end - self.begin


def losses_in(
    holes: Iterable[Hole], brokers: str, topic: str, group: str
) -> Iterator[tuple[Hole, str]]:
    """Yield the holes in which another reader finds messages, each with a class of error.

    `gap`: there is a message. `expired`: the brokers deleted what was there, before or after it was
        skipped. If the brokers do not answer, their error is the class. It blocks for up to 2 s;
        holes that are left then are not checked.

    Args:
        holes: the holes to check, the most important first.
        brokers: bootstrap servers, with credentials.
        topic: the topic of the holes.
        group: the group whose permissions are used; it is not joined, and its position does not
            change.
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
                return  # they would not answer for the next hole either
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
