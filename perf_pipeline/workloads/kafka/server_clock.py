"""Read the brokers' clocks from the log-append time of probe messages in our own topic.

The topic has a partition for each broker, so that every clock is read; one bound covers all of
them. The messages expire after an hour.
Add here: only things about this question. Keep out: combining the trips (analysis/clock.py).
"""

from collections.abc import Callable
from itertools import cycle
from typing import Final

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, KafkaError, KafkaException, Message, Producer
from confluent_kafka.cimpl import NewTopic

from perf_pipeline.analysis.clock import ClockTrip
from perf_pipeline.config.kafka_client import bootstrap_servers, kafka_settings
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.units import US_PER_MS
from perf_pipeline.workloads.kafka.errors import cause, is_silence
from perf_pipeline.workloads.kafka.topics import TIMEOUT_S, admin_of, explained

CLOCK_TOPIC: Final = "perf-pipeline-clock"
_SETTINGS: Final = {"message.timestamp.type": "LogAppendTime", "retention.ms": "3600000"}


class KafkaClock:
    """Ask brokers for the time.

    Args:
        brokers: bootstrap servers.
        now_us: reads our clock.
    """

    name: Final = "the brokers' clock"
    trips_before: Final = 12

    def __init__(self, brokers: str, now_us: Callable[[], int]) -> None:
        self._brokers, self._now_us = brokers, now_us
        self._producer: Producer | None = None
        self._partitions = cycle([0])

    def open(self) -> None:
        """Create the topic unless it exists, and connect.

        Raises:
            TargetUnavailableError: the brokers do not answer, or refuse the topic.
        """
        with explained(self._brokers, f"asking {self.name} through the topic {CLOCK_TOPIC}"):
            self._make_topic()
            self._connect()
        self.trip()  # the first message connects

    def _make_topic(self) -> None:
        admin = admin_of(self._brokers)
        known = admin.list_topics(timeout=TIMEOUT_S)
        topic = NewTopic(
            CLOCK_TOPIC,
            num_partitions=len(known.brokers),
            replication_factor=1,
            config=_SETTINGS,
        )
        made = admin.create_topics([topic], operation_timeout=TIMEOUT_S)[CLOCK_TOPIC]
        try:
            made.result(TIMEOUT_S)
        except KafkaException as error:
            refusal = cause(error)
            if is_silence(refusal):
                raise
            if refusal.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise self._unavailable(refusal.str()) from None

    def _connect(self) -> None:
        self._producer = Producer(
            {
                **kafka_settings(self._brokers),
                "linger.ms": 0,
                "acks": 1,
                "message.timeout.ms": round(1_000 * TIMEOUT_S),
                "log_level": 0,
            }
        )
        partitions = self._producer.list_topics(CLOCK_TOPIC, timeout=TIMEOUT_S).topics
        self._partitions = cycle(sorted(partitions[CLOCK_TOPIC].partitions) or [0])

    def trip(self) -> ClockTrip:
        """Produce one message, and return the time that its broker gave it.

        Raises:
            TargetUnavailableError: there is no delivery report, or the topic has no log-append
                time.
        """
        assert self._producer is not None, "it is open"
        reports: list[tuple[KafkaError | None, Message, int]] = []
        sent_us = self._now_us()
        self._producer.produce(
            CLOCK_TOPIC,
            value=b"",
            partition=next(self._partitions),
            on_delivery=lambda error, message: reports.append((error, message, self._now_us())),
        )
        self._producer.flush(TIMEOUT_S)
        if not reports:
            raise self._unavailable("no delivery report")
        error, message, received_us = reports[0]
        if error is not None:
            raise self._unavailable(error.str())
        kind, stamp_ms = message.timestamp()
        if kind != TIMESTAMP_LOG_APPEND_TIME:
            raise self._unavailable("it has message.timestamp.type=CreateTime")
        return ClockTrip(sent_us, received_us, stamp_ms * US_PER_MS, resolution_us=US_PER_MS)

    def close(self) -> None:
        """Close the client."""
        if self._producer is not None:
            self._producer.purge()
            self._producer = None

    def _unavailable(self, why: str) -> TargetUnavailableError:
        return TargetUnavailableError(
            f"{self.name} can't be asked through the topic {CLOCK_TOPIC} on "
            f"{bootstrap_servers(self._brokers)}: {why}",
            hint=f"allow creating {CLOCK_TOPIC} and writing to it, or create it with "
            "message.timestamp.type=LogAppendTime",
        )
