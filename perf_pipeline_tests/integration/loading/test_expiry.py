"""Messages that the brokers delete before they are consumed: told as expired, never as lost."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.target import TargetConfig, resolve_target
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.loading.expiry import (
    expired,
    longest_wait_us,
    note_ends,
    own_expired,
    positions_file,
)
from perf_pipeline.loading.needs import require_kept_deliveries
from perf_pipeline.loading.session import Session
from perf_pipeline.workloads.kafka.topics import fix_position
from perf_pipeline_tests.support.loads.kafka_topics import own_topic, set_in_topic
from perf_pipeline_tests.support.loads.sessions import session_with

PROFILE = """
extends = "quick"
name = "mine"
[benchmarks.queue_consume]
topic = "{topic}"
[benchmarks.visits.scenarios.all]
exec = "http_steps"
executor = "constant-vus"
vus = 1
startTime = "2s"
duration = "3s"
gracefulStop = "5s"
[[benchmarks.visits.scenarios.all.parameters.steps]]
name = "visit"
path = "/ok"
"""


def session(folder: Path, brokers: str, topic: str, planned: tuple[str, ...] = ()) -> Session:
    path = folder / "mine.toml"
    path.write_text(PROFILE.format(topic=topic))
    target = resolve_target("local", TargetConfig(), {"PERF_KAFKA_BROKERS": brokers})
    return replace(session_with(load_profile(str(path)), target, folder), planned=planned)


@pytest.fixture
def topic(brokers: str) -> Iterator[str]:
    """Give a topic of its own with one partition."""
    with own_topic(brokers, "expiry", 1) as name:
        yield name


def produce_and_delete(brokers: str, topic: str, messages: int, *, until: int) -> None:
    """Produce messages, and delete those before an offset as a retention does."""
    producer = Producer(kafka_settings(brokers))
    for _ in range(messages):
        producer.produce(topic, b"x")
    assert producer.flush(20) == 0
    admin = AdminClient(kafka_settings(brokers))
    for deleted in admin.delete_records([TopicPartition(topic, 0, until)]).values():
        deleted.result(10)


def test_messages_that_the_brokers_deleted_after_the_position_was_fixed_have_expired(
    tmp_path: Path, brokers: str, topic: str
) -> None:
    """Two old messages are deleted; of three new ones, offsets 2 to 4, the first two."""
    produce_and_delete(brokers, topic, 2, until=2)
    made = session(tmp_path, brokers, topic)
    made.folder.mkdir(parents=True)
    positions_file(made).write_text(json.dumps(fix_position(brokers, "g", topic)))
    before = expired(made, "queue_consume")
    produce_and_delete(brokers, topic, 3, until=4)

    told = expired(made, "queue_consume")

    assert before is None
    assert told is not None
    assert f"the brokers deleted 2 messages of {topic} during the run (2 of partition 0)" in told
    assert "lost, or expired before they were consumed" in told


def test_without_a_fixed_position_nothing_is_known_to_have_expired(
    tmp_path: Path, brokers: str, topic: str
) -> None:
    assert expired(session(tmp_path, brokers, topic), "queue_consume") is None


def test_a_message_may_wait_until_the_last_consuming_benchmark_is_over(tmp_path: Path) -> None:
    def longest_s(benchmark: str, *planned: str) -> float:
        return longest_wait_us(session(tmp_path, "b:1", "t", planned), benchmark) / 1e6

    alone = longest_s("queue_produce", "queue_produce")
    consuming = longest_s("queue_consume", "queue_consume")
    both = longest_s("queue_produce", "queue_produce", "queue_consume", "end_to_end")

    # It begins after 2 s, lasts 3 s and may take 5 s to end; a minute goes by around it.
    assert longest_s("visits", "visits") == 2 + 3 + 5 + 60
    assert both == alone + consuming


OWN = """
name = "own"
[benchmarks.orders.scenarios.placed]
exec = "produce"
executor = "constant-vus"
vus = 1
duration = "1s"
parameters = {{ value = "x", messageId = "header:id", topic = "{topic}" }}
[benchmarks.orders.scenarios.handled]
exec = "consume"
executor = "constant-vus"
vus = 1
duration = "1s"
parameters = {{ messageId = "header:id", topic = "{topic}" }}
"""


def test_own_messages_that_the_brokers_deleted_meanwhile_are_not_called_lost(
    tmp_path: Path, brokers: str, topic: str
) -> None:
    """One old message goes as well; of three new ones, offsets 1 to 3, the first two are gone."""
    path = tmp_path / "own.toml"
    path.write_text(OWN.format(topic=topic))
    target = resolve_target("local", TargetConfig(), {"PERF_KAFKA_BROKERS": brokers})
    made = session_with(load_profile(str(path)), target, tmp_path)
    made.folder.mkdir(parents=True)
    produce_and_delete(brokers, topic, 1, until=0)
    unknown = own_expired(made, "orders")
    note_ends(made, "orders")
    before = own_expired(made, "orders")
    produce_and_delete(brokers, topic, 3, until=3)

    told = own_expired(made, "orders")

    assert (unknown, before) == (None, None)
    assert told is not None
    assert f"the brokers deleted 2 messages of {topic} during the run (2 of partition 0)" in told


def test_a_topic_of_the_systems_that_deletes_messages_too_soon_is_refused_before_the_load(
    tmp_path: Path, brokers: str, topic: str
) -> None:
    """Quick loads end to end for 5 s, and waits up to a minute around it and for what is late."""
    set_in_topic(brokers, topic, "retention.ms", "10000")
    made = session(tmp_path, brokers, "other")
    refused = replace(made, target=replace(made.target, topic=topic))

    with pytest.raises(TargetUnavailableError, match=rf"{topic} on .* has retention.ms=10000"):
        require_kept_deliveries(refused, "end_to_end")
    require_kept_deliveries(replace(made, target=replace(made.target, brokers=None)), "end_to_end")
