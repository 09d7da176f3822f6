"""Create the topics of the queue benchmarks and fix the groups' positions, before any load.

It runs in the driver. Add here: another administrative step of a queue benchmark. Keep out:
producing, consuming, and sampling the lag (probes/).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Final, TypeVar

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # OffsetSpec: not in __all__
    AdminClient,
    OffsetSpec,
)
from confluent_kafka.cimpl import NewTopic

from perf_pipeline.config.kafka_client import (
    bootstrap_servers,
    kafka_settings,
    onlooker_settings,
    shown_brokers,
)
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.metrics.sample import PartitionLag
from perf_pipeline.workloads.kafka.errors import cause, unavailable

T = TypeVar("T")

TIMEOUT_S: Final = 8.0

_POLL_S: Final = 0.05
# -1 is the cluster's own default, which is three if there are three brokers.
_CLUSTER_DEFAULT: Final = -1
# A partition or a group's coordinator is new or moving; that is over in a moment.
_PASSING: Final = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
    }
)
_ACTIVE_GROUP: Final = frozenset({KafkaError.UNKNOWN_MEMBER_ID, KafkaError.NON_EMPTY_GROUP})


def ensure_topic(brokers: str, topic: str, partitions: int) -> int:
    """Create a topic unless it exists, and return the number of its partitions.

    An existing topic is left unchanged, even if it has another number of partitions.

    Raises:
        TargetUnavailableError: the brokers do not answer, or refuse.
    """
    admin = admin_of(brokers)
    with explained(brokers, f"creating the topic {topic}"):
        found = _partitions(admin, topic)
        if found:
            return len(found)
        wanted = NewTopic(topic, num_partitions=partitions, replication_factor=_CLUSTER_DEFAULT)
        try:
            admin.create_topics([wanted], operation_timeout=TIMEOUT_S)[topic].result(TIMEOUT_S)
        except KafkaException as error:
            # Another worker or run may have created it in between.
            if cause(error).code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
        return len(_await_topic(brokers, admin, topic))


def require_existing(brokers: str, topic: str) -> None:
    """Refuse a topic that does not exist.

    Raises:
        TargetUnavailableError: the brokers do not answer, or have no such topic.
    """
    admin = admin_of(brokers)
    with explained(brokers, f"looking for the topic {topic}"):
        _existing(brokers, admin, topic)


def cluster_of(brokers: str) -> str:
    """Return the id of a cluster, which does not depend on the addresses that reach it.

    Raises:
        TargetUnavailableError: the brokers do not answer.
    """
    admin = admin_of(brokers)
    with explained(brokers, "asking for the id of the cluster"):
        return str(admin.list_topics(timeout=TIMEOUT_S).cluster_id or bootstrap_servers(brokers))


def watermarks(
    brokers: str, topic: str, connected: AdminClient | None = None
) -> list[PartitionLag]:
    """Return the low and high watermark of every partition in order; committed_offset is None.

    Args:
        brokers: the brokers, with credentials.
        topic: the name of the topic.
        connected: a client whose connections are used; None makes a new one.

    Raises:
        TargetUnavailableError: the brokers do not answer, or have no such topic.
    """
    admin = admin_of(brokers) if connected is None else connected
    with explained(brokers, f"reading the watermarks of {topic}"):
        partitions = _existing(brokers, admin, topic)
        low = _offsets(admin, topic, partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]  # 2.16 lacks it
        high = _offsets(admin, topic, partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]  # as above
    return [
        PartitionLag(topic, partition, low[partition], high[partition], None)
        for partition in partitions
    ]


def fix_position(brokers: str, group: str, topic: str, *, at_end: bool = True) -> dict[int, int]:
    """Commit the current end (or beginning) of every partition as the group's offset; return them.

    It is called before producing starts, so that a consumer that joins later misses nothing and
    counts no messages of earlier runs.

    Raises:
        TargetUnavailableError: the brokers do not answer, have no such topic, or the group has
            members, which own its positions.
    """
    marks = watermarks(brokers, topic)
    ends = {mark.partition: mark.high_watermark if at_end else mark.low_watermark for mark in marks}
    offsets = [TopicPartition(topic, partition, offset) for partition, offset in ends.items()]
    request, admin = ConsumerGroupTopicPartitions(group, offsets), admin_of(brokers)

    def alter() -> None:
        result = admin.alter_consumer_group_offsets([request])[group]
        _refuse_errors(result.result(TIMEOUT_S).topic_partitions)

    with explained(brokers, f"fixing the position of group {group} on {topic}"):
        try:
            _patiently(alter)
        except KafkaException as error:
            if cause(error).code() in _ACTIVE_GROUP:
                raise TargetUnavailableError(
                    f"group {group} has members on {shown_brokers(brokers)}, so its position can't "
                    "be fixed",
                    hint="stop its consumers, or give the benchmark a group of its own",
                ) from error
            raise
    return ends


def committed(brokers: str, group: str, topic: str) -> dict[int, int | None]:
    """Return the group's committed offset of every partition; None if it never committed one.

    Raises:
        TargetUnavailableError: the brokers do not answer, or have no such topic.
    """
    admin = admin_of(brokers)
    # This waits for offsets of an open transaction.
    settings = {**onlooker_settings(brokers, group), "isolation.level": "read_committed"}
    with (
        explained(brokers, f"reading the offsets of group {group} on {topic}"),
        closing(Consumer(settings)) as reader,
    ):
        wanted = [TopicPartition(topic, number) for number in _existing(brokers, admin, topic)]

        def ask() -> list[TopicPartition]:
            found = reader.committed(wanted, timeout=TIMEOUT_S)
            _refuse_errors(found)
            return found

        found = _patiently(ask)
    return {
        partition.partition: partition.offset if partition.offset >= 0 else None
        for partition in found
    }


def admin_of(brokers: str) -> AdminClient:
    """Make a client for administrative requests, which are not load."""
    # librdkafka would print every refused connection; our message says it once.
    return AdminClient({**kafka_settings(brokers), "log_level": 0})


def no_topic(brokers: str, topic: str) -> TargetUnavailableError:
    """Return the message about a topic that does not exist."""
    return TargetUnavailableError(
        f"there is no topic {topic} on {shown_brokers(brokers)}",
        hint="create it, or correct the topic's name in the profile",
    )


@contextmanager
def explained(brokers: str, what: str) -> Iterator[None]:
    """Raise refusals and missing answers as TargetUnavailableError, with what was tried."""
    try:
        yield
    except KafkaException as error:
        raise unavailable(brokers, what, cause(error)) from error
    except TimeoutError as error:  # a broker is connected, but hangs
        raise TargetUnavailableError(
            f"{what} got no answer from the brokers {shown_brokers(brokers)} within "
            f"{TIMEOUT_S:g} s",
            hint="check whether the broker hangs, or correct the addresses (PERF_KAFKA_BROKERS)",
        ) from error


def _partitions(admin: AdminClient, topic: str) -> list[int]:
    found = admin.list_topics(timeout=TIMEOUT_S).topics.get(topic)
    return [] if found is None or found.error is not None else sorted(found.partitions)


def _existing(brokers: str, admin: AdminClient, topic: str) -> list[int]:
    found = _partitions(admin, topic)
    if not found:
        raise no_topic(brokers, topic)
    return found


def _await_topic(brokers: str, admin: AdminClient, topic: str) -> list[int]:
    # The metadata lists a new topic a moment before every broker knows it.
    deadline = time.monotonic() + TIMEOUT_S
    while not (found := _partitions(admin, topic)):
        if time.monotonic() > deadline:
            raise TargetUnavailableError(
                f"the new topic {topic} did not appear on {shown_brokers(brokers)} within "
                f"{TIMEOUT_S:g} s"
            )
        time.sleep(_POLL_S)
    _offsets(admin, topic, found, OffsetSpec.latest())  # type: ignore[no-untyped-call]  # 2.16 lacks it
    return found


def _offsets(
    admin: AdminClient, topic: str, partitions: list[int], which: OffsetSpec
) -> dict[int, int]:
    request = {TopicPartition(topic, partition): which for partition in partitions}

    def ask() -> dict[int, int]:
        answers = admin.list_offsets(request, isolation_level=IsolationLevel.READ_UNCOMMITTED)
        return {answer.partition: got.result(TIMEOUT_S).offset for answer, got in answers.items()}

    return _patiently(ask)


def _patiently(ask: Callable[[], T]) -> T:
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            return ask()
        except KafkaException as error:
            if cause(error).code() not in _PASSING or time.monotonic() > deadline:
                raise
        time.sleep(_POLL_S)


def _refuse_errors(partitions: list[TopicPartition]) -> None:
    for partition in partitions:
        if partition.error is not None:
            raise KafkaException(partition.error)
