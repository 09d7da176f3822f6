"""Read deliveries from a topic, in which each message says that one message was completed.

A thread reads the whole topic from its end before the load, without the position of a group.
Add here: another place of an id or a time in a message. Keep out: the load's own consumers
(consume.py).
"""

import threading
from collections.abc import Callable, Collection
from typing import Final
from uuid import uuid4

from confluent_kafka import (
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not in __all__
    ConfigResource,
)

from perf_pipeline.config.kafka_client import bootstrap_servers, onlooker_settings
from perf_pipeline.config.own_deliveries import BROKER, HERE, PRODUCER, Deliveries
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.metrics.completion import Completion, moment_us
from perf_pipeline.metrics.message_ids import text_of_id
from perf_pipeline.units import US_PER_MS
from perf_pipeline.workloads.kafka.errors import cause, is_silence
from perf_pipeline.workloads.kafka.message_places import reader_of
from perf_pipeline.workloads.kafka.topics import TIMEOUT_S, admin_of, explained

_POLL_S: Final = 0.1
_TYPE: Final = "message.timestamp.type"
_LOG_APPEND: Final = "LogAppendTime"


class TopicDeliveries:
    """Read a topic of deliveries while the load runs.

    Args:
        brokers: bootstrap servers.
        deliveries: the topic, and where messages have id and time.
        benchmark: the name of the benchmark, for messages.
        now_us: reads our clock.
    """

    def __init__(
        self, brokers: str, deliveries: Deliveries, benchmark: str, now_us: Callable[[], int]
    ) -> None:
        self.oddities: list[str] = []
        self._brokers, self._topic, self._now_us = brokers, deliveries.topic, now_us
        self._place = f"benchmarks.{benchmark}.deliveries"
        self._time = deliveries.time or BROKER
        self._id = reader_of(deliveries.id)
        self._moment = None if self._time in {BROKER, HERE, PRODUCER} else reader_of(self._time)
        self._found: list[Completion] = []
        self._unread = 0
        self._failure = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="deliveries", daemon=True)
        self._consumer: Consumer | None = None

    def require(self) -> None:
        """Check that the topic exists, and that its messages have the broker's time if needed.

        Raises:
            TargetUnavailableError: either is not so, or the brokers do not answer.
        """
        consumer = self._client()
        try:
            self._partitions(consumer)
        finally:
            consumer.close()
        if self._time == BROKER and (kind := self._timestamp_type()) != _LOG_APPEND:
            raise TargetUnavailableError(
                f"{self._place}: the topic {self._topic} has {_TYPE}={kind}, so its messages carry "
                "their producer's time and not the broker's",
                hint=f'set {_TYPE}={_LOG_APPEND} for it, or write time = "producer" or "here"',
            )

    def begin(self) -> None:
        """Start reading at the current end of each partition.

        Raises:
            TargetUnavailableError: the brokers do not answer.
        """
        self._consumer = consumer = self._client()
        try:
            ends = [
                TopicPartition(
                    self._topic,
                    number,
                    consumer.get_watermark_offsets(
                        TopicPartition(self._topic, number), timeout=TIMEOUT_S
                    )[1],
                )
                for number in self._partitions(consumer)
            ]
        except KafkaException as error:
            raise self._unavailable(str(error.args[0])) from None
        consumer.assign(ends)
        self._thread.start()

    def read(self, message_ids: Collection[str]) -> list[Completion]:
        """Return what has arrived so far.

        Raises:
            TargetUnavailableError: reading the topic failed.
        """
        del message_ids  # everything that arrives is kept
        if self._failure:
            raise self._unavailable(self._failure)
        return list(self._found)

    def end(self) -> None:
        """Stop reading, and report how many messages had no id or no time."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(TIMEOUT_S)
        if self._unread:
            self.oddities.append(
                f"{self._unread:,} messages of {self._topic} had no id, or no time, where "
                f"{self._place} says"
            )

    def _follow(self) -> None:
        consumer = self._consumer
        assert consumer is not None, "begin() made it"
        try:
            while not self._stop.is_set():
                # Read one at a time: `consume` waits until it has many messages or its time is
                # over, which would add to each latency by our clock.
                message = consumer.poll(_POLL_S)
                if message is not None:
                    self._take(message, self._now_us())
        except (KafkaException, RuntimeError) as error:
            self._failure = str(error)
        finally:
            consumer.close()

    def _take(self, message: Message, arrived_us: int) -> None:
        if (error := message.error()) is not None:
            if error.code() != KafkaError._PARTITION_EOF and not error.retriable():  # noqa: SLF001 - librdkafka's own codes have this name
                self._failure = error.str()
            return
        message_id = text_of_id(self._id(message))
        if self._time == HERE:
            at_us: int | None = arrived_us
        elif self._moment is not None:
            at_us = moment_us(self._moment(message))
        else:
            kind, stamp_ms = message.timestamp()
            fits = self._time == PRODUCER or kind == TIMESTAMP_LOG_APPEND_TIME
            at_us = stamp_ms * US_PER_MS if fits and stamp_ms >= 0 else None
        if message_id and at_us is not None:
            self._found.append(Completion(message_id, at_us, is_ours=self._time == HERE))
        else:
            self._unread += 1

    def _client(self) -> Consumer:
        return Consumer(
            {
                **onlooker_settings(self._brokers, f"perf-pipeline-onlooker-{uuid4().hex[:8]}"),
                "isolation.level": "read_committed",
                "fetch.queue.backoff.ms": 10,
            }
        )

    def _partitions(self, consumer: Consumer) -> list[int]:
        try:
            topics = consumer.list_topics(self._topic, timeout=TIMEOUT_S).topics
        except KafkaException as error:
            raise self._unavailable(str(error.args[0])) from None
        found = topics[self._topic]
        if found.error is not None or not found.partitions:
            raise TargetUnavailableError(
                f"{self._place}: there is no topic {self._topic} on "
                f"{bootstrap_servers(self._brokers)}",
                hint="create it, or correct its name",
            )
        return sorted(found.partitions)

    def _timestamp_type(self) -> str:
        resource = ConfigResource(ConfigResource.Type.TOPIC, self._topic)
        admin = admin_of(self._brokers)
        with explained(self._brokers, f"{self._place}: reading the settings of {self._topic}"):
            answer = admin.describe_configs([resource], request_timeout=TIMEOUT_S)
            try:
                return str(answer[resource].result(TIMEOUT_S)[_TYPE].value)
            except KafkaException as error:
                if is_silence(cause(error)):
                    raise
                return "unknown"  # we may not read the topic's settings
            except KeyError:
                return "unknown"

    def _unavailable(self, why: str) -> TargetUnavailableError:
        return TargetUnavailableError(
            f"{self._place}: the topic {self._topic} can't be read: {why}",
            hint="start the brokers, or correct PERF_KAFKA_BROKERS",
        )
