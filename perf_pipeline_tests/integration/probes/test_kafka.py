"""Consumer lag on a real broker, with offsets that the test knows by hand."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined] # NewTopic is missing in __all__
    AdminClient,
    NewTopic,
)

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.metrics.sample import PartitionLag
from perf_pipeline.probes.kafka import BrokerProbe, LagProbe
from perf_pipeline.probes.probe import ProbeError
from perf_pipeline.secrecy.addresses import mask_address

PARTITIONS = 3


@pytest.fixture
def admin(brokers: str) -> AdminClient:
    return AdminClient({**kafka_settings(brokers)})


@pytest.fixture
def topic(admin: AdminClient) -> Iterator[str]:
    name = f"probe-{uuid4().hex}"
    admin.create_topics([NewTopic(name, PARTITIONS, 1)], operation_timeout=10)[name].result(10)
    yield name
    admin.delete_topics([name])[name].result(10)


@pytest.fixture
def group() -> str:
    return f"probe-{uuid4().hex}"


@contextmanager
def opened(brokers: str, group: str, *topics: str) -> Iterator[LagProbe]:
    probe = LagProbe(brokers, group, topics)
    probe.open()
    try:
        yield probe
    finally:
        probe.close()


def produce(brokers: str, topic: str, counts: dict[int, int]) -> None:
    producer = Producer({**kafka_settings(brokers), "linger.ms": 0})
    for partition, count in counts.items():
        for number in range(count):
            producer.produce(topic, f"{number}", partition=partition)
    assert producer.flush(10) == 0


def commit(admin: AdminClient, group: str, topic: str, offsets: dict[int, int]) -> None:
    entries = [TopicPartition(topic, number, offset) for number, offset in offsets.items()]
    request = [ConsumerGroupTopicPartitions(group, entries)]
    # The first commit of a broker makes the topic of offsets; until it is there, partitions have
    # an error of their own each.
    errors: list[object] = ["not asked yet"]
    until_s = time.monotonic() + 10
    while errors:
        answer = admin.alter_consumer_group_offsets(request)[group].result(10)
        errors = [partition.error for partition in answer.topic_partitions if partition.error]
        assert time.monotonic() < until_s, errors


def by_source(probe: LagProbe) -> dict[str, float]:
    return {reading.source: reading.value for reading in probe.read(0)}


def test_lag_is_what_was_produced_and_not_committed(
    brokers: str, admin: AdminClient, topic: str, group: str
) -> None:
    produce(brokers, topic, {0: 10, 1: 7, 2: 0})
    commit(admin, group, topic, {0: 4, 1: 7, 2: 0})

    with opened(brokers, group, topic) as probe:
        seen = by_source(probe)

    assert seen == {f"{topic}/0": 6, f"{topic}/1": 0, f"{topic}/2": 0, group: 6}


def test_lag_falls_as_the_group_commits_and_is_not_the_sum_of_offsets(
    brokers: str, admin: AdminClient, topic: str, group: str
) -> None:
    produce(brokers, topic, {0: 100})
    with opened(brokers, group, topic) as probe:
        seen = []
        for offset in (20, 60, 100):
            commit(admin, group, topic, {0: offset})
            seen.append(by_source(probe)[group])

    assert seen == [80, 40, 0]


def test_a_group_that_never_committed_lags_by_all_that_still_exists(
    brokers: str, admin: AdminClient, topic: str, group: str
) -> None:
    produce(brokers, topic, {0: 10, 1: 5})
    admin.delete_records([TopicPartition(topic, 0, 4)])[TopicPartition(topic, 0)].result(10)

    with opened(brokers, group, topic) as probe:
        lags = probe.lags()

    assert lags == [
        PartitionLag(topic, 0, 4, 10, None),
        PartitionLag(topic, 1, 0, 5, None),
        PartitionLag(topic, 2, 0, 0, None),
    ]
    assert [lag.messages for lag in lags] == [6, 5, 0]


def test_messages_of_an_open_transaction_are_lag_and_its_marker_takes_an_offset(
    brokers: str, admin: AdminClient, topic: str, group: str
) -> None:
    producer = Producer({**kafka_settings(brokers), "transactional.id": group})
    producer.init_transactions(10)
    producer.begin_transaction()
    for _ in range(5):
        producer.produce(topic, b"x", partition=0)
    producer.flush(10)
    with opened(brokers, group, topic) as probe:
        while_open = by_source(probe)[group]
        producer.commit_transaction(10)
        commit(admin, group, topic, {0: 5})
        deadline = time.monotonic() + 10
        # The broker writes the marker a moment after it acknowledged the commit.
        while not (drained := by_source(probe)[group]) and time.monotonic() < deadline:
            time.sleep(0.05)

    assert (while_open, drained) == (5, 1)


def test_two_topics_have_one_total(
    brokers: str, admin: AdminClient, topic: str, group: str
) -> None:
    other = f"{topic}-other"
    admin.create_topics([NewTopic(other, 1, 1)], operation_timeout=10)[other].result(10)
    produce(brokers, topic, {2: 3})
    produce(brokers, other, {0: 4})
    with opened(brokers, group, topic, other) as probe:
        seen = by_source(probe)
    admin.delete_topics([other])[other].result(10)

    assert (seen[group], seen[f"{topic}/2"], seen[f"{other}/0"]) == (7, 3, 4)


def test_a_missing_topic_is_named_and_not_made(
    brokers: str, admin: AdminClient, group: str
) -> None:
    missing = f"missing-{uuid4().hex}"
    probe = LagProbe(brokers, group, [missing])
    shown = re.escape(mask_address(brokers))

    with pytest.raises(ProbeError, match=f"topic {missing} does not exist at {shown}"):
        probe.open()
    probe.close()

    assert missing not in admin.list_topics(timeout=10).topics


def test_a_broker_that_is_down_is_a_sentence(group: str) -> None:
    probe = LagProbe("127.0.0.1:1", group, ["birthday-messages"])

    with pytest.raises(ProbeError, match=r"Kafka at 127\.0\.0\.1:1 does not tell the lag"):
        probe.open()
    probe.close()


def test_a_request_to_a_broker_is_timed_and_replicas_out_of_sync_are_counted(
    brokers: str, topic: str
) -> None:
    probe = BrokerProbe(brokers)
    probe.open()
    took, behind = probe.read(42)
    probe.close()

    assert (took.at_us, took.source, took.name) == (42, "broker", "broker_request_ms")
    assert 0 < took.value < 2_000
    # One broker: each partition, those of the topic among them, has one replica, its leader.
    assert topic
    assert (behind.name, behind.value) == ("broker_under_replicated_partitions", 0)


def test_brokers_that_are_down_are_a_sentence_of_the_broker_probe() -> None:
    probe = BrokerProbe("127.0.0.1:1")

    with pytest.raises(ProbeError, match=r"Kafka at 127\.0\.0\.1:1 does not tell its partitions"):
        probe.open()
    with pytest.raises(ProbeError, match="not open"):
        probe.read(0)
