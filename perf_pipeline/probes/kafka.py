"""Read the consumer lag of groups, the brokers' request time, and partitions out of sync.

Add here: another gauge of brokers or groups. Keep out: producing, consuming, committing (see
workloads/).
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final, Protocol

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined] # OffsetSpec is missing in __all__
    AdminClient,
    OffsetSpec,
    PartitionMetadata,
)

from perf_pipeline.config.kafka_client import kafka_settings, onlooker_settings, shown_brokers
from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.metrics.sample import PartitionLag, Reading
from perf_pipeline.probes.probe import ANSWER_WITHIN_S, ProbeError

Partition = tuple[str, int]
_Trouble = KafkaException | TimeoutError | PerfPipelineError
_EARLIEST: Final = OffsetSpec.earliest()  # type: ignore[no-untyped-call] # no types there
_LATEST: Final = OffsetSpec.latest()  # type: ignore[no-untyped-call] # no types there
MOST_PARTITIONS: Final = 1_000
"""With more of them only the group's total is a reading."""

_LOOK_AGAIN_S: Final = 5.0  # between looks at topics, which may gain partitions
_LARGE_AGAIN_S: Final = 10.0
_LATE_S: Final = 1.0  # the client reports its own timeout a little after that


class LagProbe:
    """Read high watermark minus committed offset of each partition, with clients that stay open.

    It takes the high watermark and not the last stable offset: messages of an open transaction are
    produced and not yet worked on, which is what lag means, and the last stable offset would hide
    them while the transaction is open. The price is that the marker at the end of a transaction
    takes an offset, and a consumer commits the offset after its last message, so a drained
    transactional topic keeps a lag of 1 in each partition whose last entry is a marker.

    A group that is unknown or has never committed lags by all messages that still exist.

    Args:
        brokers: bootstrap servers.
        group: the consumer group.
        topics: the topics that it consumes.
        allowed: hosts other than this machine that the brokers may advertise.
        name: the probe's name, where there are several.
        only_total: return no reading of a partition, because another group has those.
    """

    def __init__(
        self,
        brokers: str,
        group: str,
        topics: Sequence[str],
        *,
        allowed: Sequence[str] = (),
        name: str = "consumer_lag",
        only_total: bool = False,
    ) -> None:
        self.name, self._only_total = name, only_total
        self._allowed = tuple(allowed)
        self._brokers = brokers
        self._group = group
        self._topics = tuple(topics)
        self._client: AdminClient | None = None
        self._reader: Consumer | None = None
        self._partitions: tuple[Partition, ...] = ()
        self._looked_s = 0.0

    def open(self) -> None:
        """Connect, and look up the topics' partitions.

        Raises:
            ProbeError: no broker answers, one advertises a host that may not be loaded, or a
            topic is missing.
        """
        try:
            settings = _settings(self._brokers, self._allowed)
        except PerfPipelineError as error:
            raise ProbeError(self._sentence(error)) from None
        self._client = AdminClient(settings)
        onlooker = onlooker_settings(self._brokers, self._group)
        # Don't wait for offsets that an open transaction has not committed yet.
        isolation = {"isolation.level": "read_uncommitted"}
        self._reader = Consumer({**settings, **onlooker, **isolation})
        self._look_up(self._client)

    def _look_up(self, client: AdminClient) -> None:
        try:
            # Ask for all topics: asking for one by name would create it if brokers auto-create.
            known = client.list_topics(timeout=ANSWER_WITHIN_S).topics
        except KafkaException as error:
            raise ProbeError(self._sentence(error)) from None
        self._looked_s = time.monotonic()
        missing = [topic for topic in self._topics if topic not in known]
        if missing:
            raise ProbeError(
                f"topic {', '.join(missing)} does not exist at {shown_brokers(self._brokers)}"
            )
        self._partitions = tuple(
            (topic, number) for topic in self._topics for number in sorted(known[topic].partitions)
        )

    def read(self, at_us: int) -> list[Reading]:
        """Return the group's total (source: the group) and each partition's (topic/number).

        If there are more than 1,000 partitions, or if it was asked for, return only the total.

        Raises:
            ProbeError: no answer within ANSWER_WITHIN_S, or a topic is gone.
        """
        if self._client is not None and time.monotonic() - self._looked_s > _LOOK_AGAIN_S:
            self._look_up(self._client)
        lags = self.lags()
        total = Reading(
            at_us, self._group, "consumer_lag", float(sum(lag.messages for lag in lags))
        )
        if self._only_total or len(lags) > MOST_PARTITIONS:
            return [total]
        return [
            total,
            *(
                Reading(at_us, f"{lag.topic}/{lag.partition}", "consumer_lag", float(lag.messages))
                for lag in lags
            ),
        ]

    def lags(self) -> list[PartitionLag]:
        """Return every partition's offsets, by topic and number, from three concurrent requests.

        Raises:
            ProbeError: not open, or no answer within ANSWER_WITHIN_S.
        """
        client, reader = self._client, self._reader
        if client is None or reader is None:
            raise ProbeError("the consumer lag probe is not open")
        try:
            low = _offsets(client, self._partitions, _EARLIEST)
            high = _offsets(client, self._partitions, _LATEST)
            committed = _committed(reader, self._partitions)
            return [
                PartitionLag(topic, number, low_mark, high_mark, offset)
                for (topic, number), low_mark, high_mark, offset in zip(
                    self._partitions, low(), high(), committed, strict=True
                )
            ]
        except (KafkaException, TimeoutError) as error:
            raise ProbeError(self._sentence(error)) from None

    def close(self) -> None:
        """Release the clients; librdkafka closes their connections."""
        self._client = self._reader = None

    def _sentence(self, error: _Trouble) -> str:
        return _does_not_tell(self._brokers, f"the lag of {self._group}", error)


def is_behind(partition: PartitionMetadata) -> bool:
    """Say whether a replica of a partition is out of sync, perhaps because its broker is gone."""
    return len(partition.isrs) < len(partition.replicas)


class BrokerProbe:
    """Time a metadata request, and count partitions that have replicas out of sync.

    A broker's own time for a request is only in its JMX beans, which no client can read. A metadata
    request waits in the same queues as other requests, and writes nothing.

    Args:
        brokers: bootstrap servers.
        allowed: hosts other than this machine that the brokers may advertise.
    """

    name = "broker"

    def __init__(self, brokers: str, *, allowed: Sequence[str] = ()) -> None:
        self._brokers, self._allowed = brokers, tuple(allowed)
        self._client: AdminClient | None = None
        self._again_s = 0.0

    def open(self) -> None:
        """Connect, and make one request, because the first one also logs in.

        Raises:
            ProbeError: no broker answers, or one advertises a host that may not be loaded.
        """
        try:
            self._client = AdminClient(_settings(self._brokers, self._allowed))
        except PerfPipelineError as error:
            raise ProbeError(self._sentence(error)) from None
        self._asked(self._client)

    def read(self, at_us: int) -> list[Reading]:
        """Return the time of the request in ms, and the number of partitions.

        A cluster of more than 1,000 partitions is asked only every 10 s, because the answer names
        all of them.

        Raises:
            ProbeError: not open, or no answer within ANSWER_WITHIN_S.
        """
        if self._client is None:
            raise ProbeError("the broker probe is not open")
        if time.monotonic() < self._again_s:
            return []
        began_s = time.monotonic()
        states = self._asked(self._client)
        took_ms = 1_000 * (time.monotonic() - began_s)
        if len(states) > MOST_PARTITIONS:
            self._again_s = time.monotonic() + _LARGE_AGAIN_S
        return [
            Reading(at_us, self.name, "broker_request_ms", took_ms),
            Reading(at_us, self.name, "broker_under_replicated_partitions", float(sum(states))),
        ]

    def close(self) -> None:
        """Release the client; librdkafka closes its connections."""
        self._client = None

    def _asked(self, client: AdminClient) -> list[bool]:
        """Say for each partition of the cluster whether one of its replicas is out of sync."""
        try:
            topics = client.list_topics(timeout=ANSWER_WITHIN_S).topics
        except KafkaException as error:
            raise ProbeError(self._sentence(error)) from None
        return [
            is_behind(partition)
            for topic in topics.values()
            for partition in topic.partitions.values()
        ]

    def _sentence(self, error: _Trouble) -> str:
        return _does_not_tell(self._brokers, "its partitions", error)


def _settings(brokers: str, allowed: Sequence[str]) -> dict[str, str | int | float | bool]:
    """Return the settings of a client, after checking which hosts the brokers advertise.

    Raises:
        PerfPipelineError: no broker answers, or one advertises a host that may not be loaded.
    """
    require_listeners(brokers, allowed)
    # The client's own log would go to stderr; what matters is reported as a problem.
    return {**kafka_settings(brokers), "client.id": "perf_pipeline_probe", "log_level": 0}


def _does_not_tell(brokers: str, what: str, error: _Trouble) -> str:
    text = f"no answer within {ANSWER_WITHIN_S:g} s"
    if isinstance(error, KafkaException):
        text = error.args[0].str()
    if isinstance(error, PerfPipelineError):
        text = error.sentence
    return f"Kafka at {shown_brokers(brokers)} does not tell {what}: {text}"


class _Later(Protocol):
    def __call__(self) -> list[Any]: ...


def _offsets(client: AdminClient, partitions: Sequence[Partition], spec: OffsetSpec) -> _Later:
    wanted = {TopicPartition(topic, number): spec for topic, number in partitions}
    answers: Mapping[TopicPartition, Future[Any]] = client.list_offsets(
        wanted, request_timeout=ANSWER_WITHIN_S
    )
    by_partition = {(entry.topic, entry.partition): future for entry, future in answers.items()}
    return lambda: [_result(by_partition[partition]).offset for partition in partitions]


def _committed(reader: Consumer, partitions: Sequence[Partition]) -> list[int | None]:
    wanted = [TopicPartition(topic, number) for topic, number in partitions]
    answer = reader.committed(wanted, timeout=ANSWER_WITHIN_S)
    found = {(entry.topic, entry.partition): _offset(entry) for entry in answer}
    return [found.get(partition) for partition in partitions]


def _result(future: Future[Any]) -> Any:
    return future.result(timeout=ANSWER_WITHIN_S + _LATE_S)


def _offset(entry: TopicPartition) -> int | None:
    if entry.error is not None:
        raise KafkaException(entry.error)
    # A negative offset is the broker's "no offset".
    return entry.offset if entry.offset >= 0 else None
