"""Own consumers on a real broker: ids where the messages have them, rebalances, odd topics."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer

from perf_pipeline.config.kafka_client import bootstrap_servers, kafka_settings
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.metrics.sample import LedgerEvent
from perf_pipeline.workloads.kafka.own_consume import OwnConsume
from perf_pipeline.workloads.kafka.topic_settings import is_compacted
from perf_pipeline.workloads.kafka.topics import committed, fix_position, watermarks
from perf_pipeline_tests.support.loads.kafka_topics import own_topic, set_in_topic
from perf_pipeline_tests.support.loads.workload_bench import Bench, opened

PLAN = {"executor": "constant-vus", "duration": "1s", "exec": "consume"}
Written = tuple[bytes | None, list[tuple[str, str | bytes | None]] | None]


@pytest.fixture
def topic(brokers: str) -> Iterator[str]:
    """Give a topic of its own with two partitions, whose group stands at its beginning."""
    with own_topic(brokers, "consumed", 2) as name:
        fix_position(brokers, f"group-of-{name}", name)
        yield name


def write(brokers: str, topic: str, *messages: Written, transaction: str = "") -> None:
    more = {"transactional.id": transaction} if transaction else {}
    producer = Producer({**kafka_settings(brokers), **more})
    if transaction:
        producer.init_transactions(10)
        producer.begin_transaction()
    for value, headers in messages:
        producer.produce(topic, value, b"key", headers=headers)
    if transaction:
        producer.commit_transaction(10)
    assert producer.flush(10) == 0


def parameters(
    brokers: str, topic: str, *, ends: dict[str, int] | None = None, **own: Any
) -> dict[str, Any]:
    scenario = Scenario.model_validate({**PLAN, "parameters": {"work": "0s", **own}})
    return {
        "run": "r1/orders",
        "topic": topic,
        "group": f"group-of-{topic}",
        "brokers": bootstrap_servers(brokers),
        "own": scenario.parameters.model_dump(mode="json", by_alias=True),
        "ends": ends or {},
    }


def consumed(brokers: str, topic: str, count: int, **own: Any) -> Bench:
    """Work on as many messages with one VU."""

    async def body() -> Bench:
        given, secrets = parameters(brokers, topic, **own), {"brokers": brokers}
        async with opened(OwnConsume(), given, secrets=secrets) as bench:
            await asyncio.wait_for(bench.iterate(count), 20)
        return bench

    return asyncio.run(body())


def completed(bench: Bench) -> list[str]:
    entries = bench.recorder.entries
    return sorted(entry.message_id for entry in entries if entry.event is LedgerEvent.COMPLETED)


def test_ids_are_read_from_a_header_and_a_message_without_one_is_work_as_well(
    brokers: str, topic: str
) -> None:
    write(brokers, topic, (b"x", [("id", b"a-1")]), (b"x", [("id", "a-2")]), (None, None))

    bench = consumed(brokers, topic, 3, messageId="header:id")

    assert completed(bench) == ["a-1", "a-2"]
    assert [(sample.operation, sample.outcome.value) for sample in bench.samples] == [
        ("consume", "ok")
    ] * 3


def test_a_message_from_before_the_benchmark_completes_none_with_its_id(
    brokers: str, topic: str
) -> None:
    """Both old copies are worked on, of two new messages with their ids only one is there."""
    write(brokers, topic, (b"x", [("id", "1-0")]), (b"x", [("id", "1-1")]))
    ends = {str(mark.partition): mark.high_watermark for mark in watermarks(brokers, topic)}
    write(brokers, topic, (b"x", [("id", "1-1")]))

    bench = consumed(brokers, topic, 3, messageId="header:id", ends=ends)

    assert completed(bench) == ["1-1"]
    assert len(bench.samples) == 3


def test_ids_are_read_from_a_place_in_json(brokers: str, topic: str) -> None:
    write(brokers, topic, (b'{"order": {"id": 7}}', None), (b"no json", None))

    bench = consumed(brokers, topic, 2, messageId="$.order.id")

    assert completed(bench) == ["7"]
    assert {sample.outcome.value for sample in bench.samples} == {"ok"}


def test_marks_of_transactions_are_passed_and_no_lag_stays(brokers: str, topic: str) -> None:
    write(brokers, topic, (b"x", [("id", b"t-1")]), transaction=f"id-{topic}")

    bench = consumed(brokers, topic, 1, messageId="header:id", commitInterval="10ms")

    assert completed(bench) == ["t-1"]
    ends = {mark.partition: mark.high_watermark for mark in watermarks(brokers, topic)}
    group = committed(brokers, f"group-of-{topic}", topic)
    assert sum(ends.values()) == 2  # the message, and the mark of its commit
    assert sum(offset or 0 for offset in group.values()) >= 1


def test_a_group_begins_where_it_is_put(brokers: str, topic: str) -> None:
    write(brokers, topic, (b"1", None), (b"2", None))
    group = f"group-of-{topic}"

    assert sum(fix_position(brokers, group, topic).values()) == 2
    assert sum(fix_position(brokers, group, topic, at_end=False).values()) == 0


def test_a_member_that_joins_makes_a_rebalance_with_its_duration(brokers: str, topic: str) -> None:
    write(brokers, topic, *[(b"x", None)] * 2)

    async def body() -> Bench:
        given, secrets = parameters(brokers, topic), {"brokers": brokers}
        async with opened(OwnConsume(), given, secrets=secrets) as bench:
            await asyncio.wait_for(bench.iterate(1), 20)
            group = {"group.id": f"group-of-{topic}", "session.timeout.ms": 6_000}
            other = Consumer({**kafka_settings(brokers), **group})
            other.subscribe([topic])
            for _ in range(200):
                await asyncio.to_thread(other.poll, 0.05)
                if other.assignment():
                    break
            assert other.assignment()
            await asyncio.to_thread(other.close)
        return bench

    bench = asyncio.run(body())

    found = [sample for sample in bench.samples if sample.operation == "rebalance"]
    assert found
    assert all(0 < sample.ended_us - sample.started_us < 20_000_000 for sample in found)


def test_a_compacted_topic_is_known(brokers: str, topic: str) -> None:
    assert not is_compacted(brokers, topic)

    set_in_topic(brokers, topic, "cleanup.policy", "compact")

    assert is_compacted(brokers, topic)
