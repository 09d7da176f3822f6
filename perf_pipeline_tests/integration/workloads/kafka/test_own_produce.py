"""Own messages on a real broker: what is written, what is counted, and what is refused before."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from perf_pipeline.config.kafka_client import bootstrap_servers, kafka_settings
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.metrics.sample import LedgerEvent
from perf_pipeline.workloads.kafka.own_produce import OwnProduce
from perf_pipeline.workloads.kafka.topic_settings import most_message_bytes
from perf_pipeline.workloads.kafka.topics import watermarks
from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.loads.kafka_topics import own_topic, set_in_topic
from perf_pipeline_tests.support.loads.workload_bench import Bench, opened, outcomes
from perf_pipeline_tests.support.places import new_state

PLAN = {"executor": "constant-vus", "duration": "1s", "exec": "produce"}


@pytest.fixture
def topic(brokers: str) -> Iterator[str]:
    """Give a topic of its own with three partitions."""
    with own_topic(brokers, "own", 3) as name:
        yield name


def produced(
    brokers: str, topic: str, iterations: int, vus: int = 1, folder: str = ".", **own: Any
) -> Bench:
    """Produce an own scenario's messages, written as the profile writes them."""
    scenario = Scenario.model_validate({**PLAN, "parameters": own})
    parameters = {
        "run": "r1/orders",
        "folder": folder,
        "topic": topic,
        "brokers": bootstrap_servers(brokers),
        "own": scenario.parameters.model_dump(mode="json", by_alias=True),
        "largest_bytes": 100,
    }

    async def body() -> Bench:
        secrets = {"brokers": brokers, "env:TOKEN": "t0ken"}
        async with opened(OwnProduce(), parameters, secrets=secrets, vus=vus) as bench:
            await bench.iterate(iterations, vus)
        return bench

    return asyncio.run(body())


def stored(brokers: str, topic: str) -> list[Message]:
    """Read a topic from beginning to end, without a group, committed messages only."""
    reader = {"group.id": "reader", "enable.partition.eof": True, "enable.auto.commit": False}
    consumer = Consumer({**kafka_settings(brokers), **reader})
    consumer.assign([TopicPartition(topic, lag.partition, 0) for lag in watermarks(brokers, topic)])
    found, ended = list[Message](), 0
    while ended < 3:
        message = consumer.poll(10)
        assert message is not None, "the topic does not end"
        error = message.error()
        if error is None:
            found.append(message)
        else:
            assert error.code() == KafkaError._PARTITION_EOF
            ended += 1
    consumer.close()
    return found


def test_key_value_and_headers_are_written_with_their_variables(brokers: str, topic: str) -> None:
    own: dict[str, Any] = {
        "key": "customer-${vu}",
        "json": {"n": "${iteration}", "who": "vu ${vu}", "secret": "${env.TOKEN}"},
        "headers": {"run": "${run}", "kind": "order"},
    }
    bench = produced(brokers, topic, 2, 2, **own)

    found = stored(brokers, topic)
    assert outcomes(bench.samples) == {("ok", ""): 4}
    assert {sample.operation for sample in bench.samples} == {"produce"}
    assert Counter(message.key() for message in found) == {b"customer-1": 2, b"customer-2": 2}
    assert sorted(json.loads(message.value() or b"")["n"] for message in found) == [0, 0, 1, 1]
    assert {json.loads(message.value() or b"")["secret"] for message in found} == {"t0ken"}
    assert all(message.headers() == [("run", b"r1"), ("kind", b"order")] for message in found)
    assert bench.recorder.entries == []


def test_a_message_id_of_its_own_is_in_the_header_and_in_the_ledger(
    brokers: str, topic: str
) -> None:
    bench = produced(brokers, topic, 5, value="x", messageId="header:message-id")

    headers = [dict(message.headers() or [])["message-id"] for message in stored(brokers, topic)]
    written = {id_.decode() for id_ in headers if isinstance(id_, bytes)}
    assert len(written) == 5
    for event in (LedgerEvent.INTENDED, LedgerEvent.ACKNOWLEDGED):
        ids = [entry.message_id for entry in bench.recorder.entries if entry.event is event]
        assert sorted(ids) == sorted(written)


def test_an_id_of_the_value_is_the_one_in_the_ledger(brokers: str, topic: str) -> None:
    bench = produced(brokers, topic, 3, json={"order": {"id": "${uuid}"}}, messageId="$.order.id")

    written = {
        json.loads(message.value() or b"")["order"]["id"] for message in stored(brokers, topic)
    }
    assert {entry.message_id for entry in bench.recorder.entries} == written
    assert len(written) == 3


def test_a_transaction_is_one_sample_with_all_its_messages(brokers: str, topic: str) -> None:
    bench = produced(brokers, topic, 2, value="x", transaction=5, compression="zstd")

    assert [(sample.operation, sample.records) for sample in bench.samples] == [
        ("transaction", 5)
    ] * 2
    assert len(stored(brokers, topic)) == 10


def test_real_payloads_and_drawn_keys_are_sent_without_idempotence_as_well(
    brokers: str, topic: str, tmp_path: Path
) -> None:
    (tmp_path / "orders.jsonl").write_bytes(b'{"a":1}\n\xff\xfe\n')
    more: dict[str, Any] = {"acks": "1", "idempotent": False, "keys": {"count": 1, "prefix": "k"}}
    produced(brokers, topic, 20, folder=str(tmp_path), payloads="orders.jsonl", **more)

    found = stored(brokers, topic)
    assert {message.value() for message in found} == {b'{"a":1}', b"\xff\xfe"}
    assert {message.key() for message in found} == {b"k1"}


def test_messages_above_the_topics_limit_are_refused_before_the_load_with_the_numbers(
    brokers: str, topic: str, tmp_path: Path
) -> None:
    set_in_topic(brokers, topic, "max.message.bytes", "2000")
    profile = f"""
    name = "orders"
    target = "orders"
    [targets.orders]
    brokers = "127.0.0.1:1"
    [benchmarks.place.scenarios.orders]
    exec = "produce"
    executor = "constant-vus"
    vus = 1
    duration = "1s"
    parameters = {{ topic = "{topic}", size = {{ least = 10, most = 5000 }} }}
    """
    (tmp_path / "orders.toml").write_text(profile)
    command = CommandLine(new_state(tmp_path / "state"), {"PERF_KAFKA_BROKERS": brokers})

    answer = command("run", str(tmp_path / "orders.toml"))

    assert most_message_bytes(brokers, topic) == 2_000
    assert answer.code == 104, answer.err
    assert "benchmarks.place.scenarios.orders: its largest message has 5,069 bytes" in answer.err
    assert f"the topic {topic} takes at most 2,000 (max.message.bytes)" in answer.err
    assert stored(brokers, topic) == []
