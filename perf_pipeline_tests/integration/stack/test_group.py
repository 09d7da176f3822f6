"""When a consumer group is settled: stable, with as many members, and each with its share."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from confluent_kafka import Consumer

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.stack.kafka_group import group_is_settled
from perf_pipeline_tests.support.loads.kafka_topics import own_topic

PARTITIONS = 2


@pytest.fixture
def topic(brokers: str) -> Iterator[str]:
    """Give a topic of the test's own, whose name the group has as well."""
    with own_topic(brokers, "settled", PARTITIONS) as name:
        yield name


@contextmanager
def member(brokers: str, topic: str) -> Iterator[Consumer]:
    """Join the group for as long as the block lasts."""
    consumer = Consumer({**kafka_settings(brokers), "group.id": topic})
    consumer.subscribe([topic])
    try:
        yield consumer
    finally:
        consumer.close()


def assert_settles(brokers: str, group: str, *consumers: Consumer) -> None:
    """Let the members take part until the group has settled; a join takes some seconds."""
    until_s = time.monotonic() + 30
    while not group_is_settled(brokers, group, len(consumers), PARTITIONS):
        assert time.monotonic() < until_s, "the group did not settle"
        for consumer in consumers:
            consumer.poll(0.05)


def test_a_group_without_members_is_not_settled(brokers: str, topic: str) -> None:
    assert not group_is_settled(brokers, topic, 1, PARTITIONS)


def test_a_group_is_settled_when_every_member_has_its_share(brokers: str, topic: str) -> None:
    with member(brokers, topic) as first:
        assert_settles(brokers, topic, first)
        assert not group_is_settled(brokers, topic, 2, PARTITIONS)
        with member(brokers, topic) as second:
            assert_settles(brokers, topic, first, second)


def test_a_member_for_which_no_partition_is_left_is_not_waited_for(
    brokers: str, topic: str
) -> None:
    with ExitStack() as members:
        three = [members.enter_context(member(brokers, topic)) for _ in range(3)]
        assert_settles(brokers, topic, *three)


def test_brokers_that_do_not_answer_have_no_settled_group() -> None:
    assert not group_is_settled("127.0.0.1:1", "any", 1, PARTITIONS)
