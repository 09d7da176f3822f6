"""Topics that hold what nobody expected, and that change while they are consumed."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not in its __all__
    AdminClient,
    NewPartitions,
)

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.metrics.sample import LedgerEvent
from perf_pipeline.workloads.kafka import reception, silence
from perf_pipeline.workloads.kafka.consume import ConsumeMessages
from perf_pipeline.workloads.kafka.consume_ceiling import ConsumeCeiling
from perf_pipeline.workloads.kafka.holes import Hole, losses_in
from perf_pipeline.workloads.kafka.topics import fix_position
from perf_pipeline_tests.support.loads.kafka_lag import lag
from perf_pipeline_tests.support.loads.kafka_topics import consumed_topic, delete_topic
from perf_pipeline_tests.support.loads.left_out_message import leave_out
from perf_pipeline_tests.support.loads.workload_bench import Bench, opened, outcomes

FAR_PAST_MS = 1
AHEAD_MS = 50 * 60 * 1_000  # Kafka 4 itself refuses more than an hour


@pytest.fixture
def given(brokers: str) -> Iterator[dict[str, Any]]:
    """Give a topic of one partition and a group, at its beginning."""
    with consumed_topic(brokers, "odd", 1) as parameters:
        fix_position(brokers, parameters["group"], parameters["topic"])
        yield {**parameters, "work_us": [0, 0]}


def message(message_id: object) -> bytes:
    return json.dumps({"messageId": message_id}).encode()


def produce(given: dict[str, Any], *messages: dict[str, Any], **settings: Any) -> None:
    producer = Producer({**kafka_settings(given["brokers"]), **settings})
    for record in messages:
        producer.produce(given["topic"], **record)
    assert producer.flush(20) == 0


async def consume_until(bench: Bench, is_done: Callable[[], bool], within_s: float = 20) -> None:
    consuming = asyncio.create_task(bench.iterate(1_000_000))
    give_up_s = time.monotonic() + within_s
    try:
        while not is_done():
            assert time.monotonic() < give_up_s, outcomes(bench.samples)
            await asyncio.sleep(0.02)
    finally:
        consuming.cancel()
        with suppress(asyncio.CancelledError):
            await consuming


def test_whatever_messages_hold_the_readable_ones_are_done_and_the_others_fail(
    given: dict[str, Any],
) -> None:
    now_ms = round(datetime.now(UTC).timestamp() * 1_000)
    produce(
        given,
        {"value": message("no-key")},
        {"value": message("bytes"), "key": b"\xff\xfe\x00"},
        {"value": message("headers"), "headers": [("a", None), ("b", b"\xff"), ("a", b"")]},
        {"value": message("past"), "timestamp": FAR_PAST_MS},
        {"value": message("future"), "timestamp": now_ms + AHEAD_MS},
        {"value": None, "key": b"tombstone"},
        {"value": message("large") + b" " * 900_000},
        {"value": b"[" * 100_000},
        {"value": message("\ud800")},
        {"value": message("last")},
    )

    async def body() -> None:
        async with opened(ConsumeMessages(), given) as bench:
            await consume_until(bench, lambda: len(bench.samples) >= 10)

        done = ["no-key", "bytes", "headers", "past", "future", "large", "last"]
        assert bench.recorder.ids(LedgerEvent.COMPLETED) == done
        assert outcomes(bench.samples) == {("ok", ""): 7, ("failed", "unreadable"): 3}
        told = "consume got a message that it can't read: "
        assert [note.removeprefix(told) for note in bench.recorder.notes] == [
            "it has no value",
            "its value is not JSON",
            "its messageId is empty, longer than 200 letters, or not printable",
        ]
        assert lag(given) == 0

    asyncio.run(body())


def test_messages_of_a_partition_that_came_later_are_consumed(given: dict[str, Any]) -> None:
    async def body() -> None:
        async with opened(ConsumeMessages(), given) as bench:
            admin = AdminClient({**kafka_settings(given["brokers"])})
            wanted = NewPartitions(given["topic"], 2)
            admin.create_partitions([wanted])[given["topic"]].result(10)
            produce(given, {"value": message("late"), "partition": 1})
            await consume_until(bench, lambda: len(bench.samples) >= 1)

        assert bench.recorder.ids(LedgerEvent.COMPLETED) == ["late"]

    asyncio.run(body())


def test_a_topic_that_vanishes_fails_operations(given: dict[str, Any]) -> None:
    async def body() -> None:
        async with opened(ConsumeMessages(), given) as bench:
            consuming = asyncio.create_task(bench.iterate(1_000_000))
            await asyncio.sleep(0.5)
            delete_topic(given["brokers"], given["topic"])
            await asyncio.wait({consuming}, timeout=6)
            consuming.cancel()
            with suppress(asyncio.CancelledError):
                await consuming
        assert {key[0] for key in outcomes(bench.samples)} == {"failed"}
        assert any("unknown_topic" in error for _, error in outcomes(bench.samples))

    asyncio.run(body())


def test_a_broker_that_says_that_the_topic_is_gone_was_heard_just_now(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "QUIET_S", 0.0)
    with closing(Consumer({**kafka_settings(given["brokers"]), "group.id": given["group"]})) as one:
        quiet = silence.BrokerSilence()
        asked_s = time.monotonic()

        problem = quiet.lasting(one, "no-such-topic")

        assert problem is not None
        assert problem.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
        assert quiet.heard_s >= asked_s
        assert quiet.lasting(one, "no-such-topic") is None  # it is asked again in a second


def test_large_messages_wait_on_the_broker_and_not_in_memory(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """60 messages of 0.9 MB; the worker keeps the first one, so that no other is taken."""
    monkeypatch.setattr(reception, "MOST_WAITING_BYTES", 2_000_000)
    large = [{"value": message(f"m{n}") + b" " * 900_000} for n in range(60)]
    produce(given, *large)

    async def body() -> None:
        slow = given | {"work_us": [60_000_000, 60_000_000]}
        async with opened(ConsumeMessages(), slow) as bench:
            consuming = asyncio.create_task(bench.iterate(1))
            await asyncio.sleep(3)
            workload = bench.workload
            assert isinstance(workload, ConsumeMessages)
            assert 1 < workload.reception._handed < 60
            consuming.cancel()
            with suppress(asyncio.CancelledError):
                await consuming

    asyncio.run(body())


def test_a_hole_with_messages_is_a_gap_and_one_whose_messages_were_deleted_has_expired(
    given: dict[str, Any],
) -> None:
    """Eight messages, of which the broker has deleted the first five."""
    produce(given, *({"value": b"x", "partition": 0} for _ in range(8)))
    admin = AdminClient({**kafka_settings(given["brokers"])})
    for deleted in admin.delete_records([TopicPartition(given["topic"], 0, 5)]).values():
        deleted.result(10)
    holes = {"deleted": Hole(0, 2, 4), "there": Hole(0, 5, 7), "behind the last": Hole(0, 8, 9)}
    place = (given["brokers"], given["topic"], given["group"])

    found = dict(losses_in(holes.values(), *place))

    assert found == {
        holes["deleted"]: "expired",
        holes["there"]: "gap",
        holes["behind the last"]: "gap",
    }


def test_a_message_that_is_there_and_was_left_out_fails_an_operation(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of eight messages, offsets 0 to 7, the consumer is not shown the one at 3."""
    leave_out(monkeypatch, 3)
    produce(given, *({"value": b"x"} for _ in range(8)))

    async def body() -> None:
        async with opened(ConsumeCeiling(), given) as bench:
            await consume_until(bench, lambda: sum(sample.records for sample in bench.samples) >= 7)

        assert sum(sample.records for sample in bench.samples) == 7
        assert outcomes(bench.samples)["failed", "gap"] == 1

    asyncio.run(body())
