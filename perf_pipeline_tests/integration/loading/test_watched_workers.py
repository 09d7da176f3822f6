"""Who works on a topic, as it is seen of real consumer groups while they come.

Add here: another thing about groups that a watch has to see. Keep out: what it says of them
(unit/loading/test_member_watch.py).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Final

import pytest
from confluent_kafka import Consumer

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.target import resolve_target
from perf_pipeline.loading.member_watch import MemberWatch, WorkerLooks
from perf_pipeline.loading.session import Session
from perf_pipeline.stack.kafka_group import is_taken
from perf_pipeline_tests.support.loads.kafka_topics import own_topic
from perf_pipeline_tests.support.loads.sessions import session_with

_PLACE: Final = {
    "exec": "produce",
    "executor": "constant-arrival-rate",
    "rate": 1,
    "duration": "1s",
    "preAllocatedVUs": 1,
}


@pytest.fixture
def topic(brokers: str) -> Iterator[str]:
    with own_topic(brokers, "watched", 2) as name:
        yield name


def _session(brokers: str, topic: str, done: str) -> Session:
    parameters = {"topic": topic, "json": {"id": "${iteration}"}, "messageId": "$.id"}
    deliveries = {"topic": done, "id": "key", "time": "here"}
    benchmark = {
        "scenarios": {"place": {**_PLACE, "parameters": parameters}},
        "deliveries": deliveries,
    }
    profile = validate_profile({"name": "o", "benchmarks": {"orders": benchmark}}, "o.toml")
    return session_with(
        profile, resolve_target(profile.target, None, {"PERF_KAFKA_BROKERS": brokers})
    )


def _watch(brokers: str, topic: str, done: str, told: str) -> MemberWatch:
    sides = [_session(brokers, topic, done)] * 2
    return MemberWatch(sides, "orders", time.monotonic_ns(), ("", told))


def _last_groups(found: WorkerLooks) -> list[set[str]]:
    return [{holder.group for holder in looks[-1].holders} for _, _, looks in found.of_topics]


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_groups_that_settle_after_the_first_look_are_seen_and_only_a_told_one_hides_others(
    brokers: str, topic: str, protocol: str
) -> None:
    other = f"{topic}-other"
    watch = _watch(brokers, topic, "done", topic)
    with ExitStack() as leaving:
        leaving.callback(watch.close)
        watch.begin()
        for group in (topic, other):
            told = {"group.id": group, "group.protocol": protocol}
            consumer = Consumer({**kafka_settings(brokers), **told})
            consumer.subscribe([topic])
            leaving.enter_context(closing(consumer))
            _poll_until(consumer, lambda: len(consumer.assignment()) == 2)  # noqa: B023
        _poll_until(consumer, lambda: is_taken(brokers, topic))
        found = watch.finish()

    given, started = (looks for _, _, looks in found.of_topics)
    assert (given[0].holders, started[0].holders) == (frozenset(), frozenset())
    # A topic's name is nothing that groups of a given topic are told.
    assert _last_groups(found) == [{topic, other}, {topic}]
    assert all(look.asked_us <= look.answered_us for look in given)


def _poll_until(consumer: Consumer, is_so: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 40
    while not is_so():
        assert time.monotonic() < until_s, "the group did not settle"
        consumer.poll(0.05)


def test_a_topic_in_which_deliveries_show_is_not_watched(brokers: str, topic: str) -> None:
    watch = _watch(brokers, topic, topic, "")
    watch.begin()

    assert watch.finish() == WorkerLooks()
