"""Topics and positions on a real broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not in its __all__
    AdminClient,
    ConfigResource,
)
from confluent_kafka.cimpl import NewTopic

from perf_pipeline.config.kafka_client import bootstrap_servers, kafka_settings
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.workloads.kafka.topic_settings import require_kept_messages
from perf_pipeline.workloads.kafka.topics import (
    cluster_of,
    committed,
    ensure_topic,
    fix_position,
    watermarks,
)
from perf_pipeline_tests.support.loads.kafka_topics import delete_topic, own_topic


@pytest.fixture
def topic(brokers: str) -> Iterator[str]:
    """Give a topic of its own with three partitions."""
    with own_topic(brokers, "topics", 3) as name:
        yield name


def test_an_existing_topic_is_left_as_it_is(brokers: str, topic: str) -> None:
    assert ensure_topic(brokers, topic, 12) == 3


def test_a_group_that_never_committed_has_no_position(brokers: str, topic: str) -> None:
    positions = committed(brokers, "never-seen", topic)

    assert positions == dict.fromkeys(range(3))


def test_reading_the_watermarks_of_a_missing_topic_is_explained(brokers: str) -> None:
    with pytest.raises(TargetUnavailableError, match="there is no topic no-such-topic on .*127"):
        watermarks(brokers, "no-such-topic")


def test_a_cluster_is_the_same_by_another_address(brokers: str) -> None:
    elsewhere = brokers.replace("127.0.0.1", "localhost")
    assert elsewhere != brokers

    # What differs between the addresses is not in it, and it is not the address.
    assert cluster_of(elsewhere) == cluster_of(brokers)
    assert bootstrap_servers(brokers) not in cluster_of(brokers)


def test_a_fixed_position_is_the_end_of_every_partition(brokers: str, topic: str) -> None:
    group = f"g-{topic}"

    assert fix_position(brokers, group, topic) == {0: 0, 1: 0, 2: 0}
    assert committed(brokers, group, topic) == {0: 0, 1: 0, 2: 0}


@pytest.mark.parametrize("policy", ["compact", "compact,delete"])
def test_a_compacted_topic_is_refused_because_its_messages_would_look_lost(
    brokers: str, policy: str
) -> None:
    name = f"test-topics-{uuid4().hex[:8]}"
    with AdminClient(kafka_settings(brokers)) as admin:
        wanted = NewTopic(name, 1, 1, config={"cleanup.policy": policy})
        admin.create_topics([wanted])[name].result(10)

    with pytest.raises(TargetUnavailableError) as refusal:
        require_kept_messages(brokers, name, for_us=1)
    delete_topic(brokers, name)

    assert refusal.value.sentence == (
        f"the topic {name} on {bootstrap_servers(brokers)} has cleanup.policy={policy}: messages "
        "that compaction removes before they are consumed would look lost"
    )
    assert "set cleanup.policy=delete for it, or name another topic" in refusal.value.hint


@contextmanager
def kept_for(brokers: str, retention_ms: str) -> Iterator[str]:
    """Give a topic that keeps its messages for so long."""
    name = f"test-topics-{uuid4().hex[:8]}"
    with AdminClient(kafka_settings(brokers)) as admin:
        wanted = NewTopic(name, 1, 1, config={"retention.ms": retention_ms})
        admin.create_topics([wanted])[name].result(10)
    try:
        yield name
    finally:
        delete_topic(brokers, name)


def test_a_topic_that_deletes_its_messages_before_they_can_be_consumed_is_refused(
    brokers: str,
) -> None:
    with (
        kept_for(brokers, "59999") as name,
        pytest.raises(TargetUnavailableError) as refusal,
    ):
        require_kept_messages(brokers, name, for_us=60_000_000)

    assert refusal.value.sentence == (
        f"the topic {name} on {bootstrap_servers(brokers)} has retention.ms=59999, and its "
        "messages may be consumed up to 1m after they were produced: those that the brokers "
        "delete before would look lost"
    )
    assert "set retention.ms to at least 60000 for it" in refusal.value.hint


@pytest.mark.parametrize(("retention_ms", "for_us"), [("60000", 60_000_000), ("-1", 10**12)])
def test_a_topic_that_keeps_its_messages_long_enough_is_taken(
    brokers: str, retention_ms: str, for_us: int
) -> None:
    with kept_for(brokers, retention_ms) as name:
        require_kept_messages(brokers, name, for_us)


def test_a_topic_that_keeps_its_messages_is_taken(brokers: str, topic: str) -> None:
    require_kept_messages(brokers, topic, for_us=600_000_000)

    # Its policy can be read, so that it is not taken only because nobody tells it.
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    with AdminClient(kafka_settings(brokers)) as admin:
        settings = admin.describe_configs([resource])[resource].result(10)
    assert settings["cleanup.policy"].value == "delete"
