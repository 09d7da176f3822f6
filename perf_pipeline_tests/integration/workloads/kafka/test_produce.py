"""Producing to a real broker: every delivery report is counted, and only those."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.engine.ports import Workload
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.metrics.sample import LedgerEvent
from perf_pipeline.workloads.kafka.messages import QueueMessage
from perf_pipeline.workloads.kafka.produce import (
    ProduceCeiling,
    ProduceMessages,
    ProduceTransactions,
)
from perf_pipeline.workloads.kafka.topics import watermarks
from perf_pipeline.workloads.kafka.transactions import Transactor
from perf_pipeline_tests.support.loads.kafka_topics import delete_topic, own_topic
from perf_pipeline_tests.support.loads.workload_bench import opened, outcomes


@pytest.fixture
def topic(brokers: str) -> Iterator[str]:
    """Give a topic of its own with three partitions."""
    with own_topic(brokers, "produce", 3) as name:
        yield name


def given(brokers: str, topic: str, **more: object) -> dict[str, object]:
    return {"brokers": brokers, "topic": topic, "run": "r1/queue", **more}


def stored(brokers: str, topic: str) -> list[Message]:
    """Read a topic from beginning to end, without a group, committed messages only."""
    consumer = Consumer(
        {
            **kafka_settings(brokers),
            "group.id": "test-produce-reader",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    partitions = [lag.partition for lag in watermarks(brokers, topic)]
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    found: list[Message] = []
    ended = set[int | None]()
    while len(ended) < len(partitions):
        message = consumer.poll(10)
        assert message is not None, "the topic does not end"
        error = message.error()
        if error is None:
            found.append(message)
        else:
            assert error.code() == KafkaError._PARTITION_EOF
            ended.add(message.partition())
    consumer.close()
    return found


def ids(messages: list[Message]) -> Counter[str]:
    return Counter(json.loads(message.value() or b"")["messageId"] for message in messages)


def test_every_delivery_report_is_one_sample_and_one_message(brokers: str, topic: str) -> None:
    async def body() -> None:
        parameters = given(brokers, topic, message_bytes=300)
        async with opened(ProduceMessages(), parameters, vus=20) as bench:
            assert [lag.messages for lag in watermarks(brokers, topic)] == [0, 0, 0]  # no warm-up
            await bench.iterate(10, vus=20)

        assert outcomes(bench.samples) == {("ok", ""): 200}
        assert {
            (sample.operation, sample.records, sample.bytes_out) for sample in bench.samples
        } == {("produce", 1, 300)}
        assert all(
            sample.intended_us <= sample.started_us < sample.ended_us for sample in bench.samples
        )
        messages = stored(brokers, topic)
        acknowledged = bench.recorder.ids(LedgerEvent.ACKNOWLEDGED)
        assert len(acknowledged) == len(set(acknowledged)) == 200
        assert ids(messages) == Counter(acknowledged)
        assert Counter(bench.recorder.ids(LedgerEvent.INTENDED)) == Counter(acknowledged)

    asyncio.run(body())


def test_a_message_has_the_reference_systems_form(brokers: str, topic: str) -> None:
    async def body() -> None:
        async with opened(ProduceMessages(), given(brokers, topic, message_bytes=250)) as bench:
            await bench.iterate(1)

    asyncio.run(body())
    (message,) = stored(brokers, topic)
    value = json.loads(message.value() or b"")
    assert list(value) == ["messageId", "userId", "messageType", "scheduledSendTime", "content"]
    assert message.key() == f"user-{value['userId']}".encode()
    assert str(UUID(value["messageId"])) == value["messageId"]
    assert len(message.value() or b"") == 250


def test_ids_differ_by_scenario_worker_vu_and_iteration_and_repeat_with_the_run(
    brokers: str, topic: str
) -> None:
    async def body(run: str) -> Counter[str]:
        found = Counter[str]()
        for scenario, worker in (("a", 0), ("a", 1), ("b", 0)):
            async with opened(
                ProduceTransactions(),
                given(brokers, topic, run=run, messages_per_transaction=3),
                scenario=scenario,
                worker=worker,
                workers=2,
                vus=2,
            ) as bench:
                await bench.iterate(2, vus=2)
            found.update(bench.recorder.ids(LedgerEvent.INTENDED))
        return found

    first, again, other = (asyncio.run(body(run)) for run in ("r1", "r1", "r2"))
    assert len(first) == first.total() == 3 * 2 * 2 * 3
    assert again == first
    assert not first & other


def test_a_transaction_is_one_sample_of_all_its_messages(brokers: str, topic: str) -> None:
    async def body() -> None:
        parameters = given(brokers, topic, messages_per_transaction=25)
        async with opened(ProduceTransactions(), parameters, vus=4) as bench:
            await bench.iterate(3, vus=4)

        assert outcomes(bench.samples) == {("ok", ""): 12}
        assert {(sample.operation, sample.records) for sample in bench.samples} == {
            ("transaction", 25)
        }
        assert ids(stored(brokers, topic)) == Counter(bench.recorder.ids(LedgerEvent.ACKNOWLEDGED))
        assert len(bench.recorder.ids(LedgerEvent.ACKNOWLEDGED)) == 300

    asyncio.run(body())


@pytest.fixture
def narrow_topic(brokers: str) -> Iterator[str]:
    """Give a topic whose broker refuses messages over 1,000 bytes."""
    name = f"test-narrow-{uuid4().hex[:8]}"
    wanted = NewTopic(name, num_partitions=1, config={"max.message.bytes": "1000"})
    admin = AdminClient({**kafka_settings(brokers)})
    admin.create_topics([wanted], operation_timeout=10)[name].result(10)
    yield name
    delete_topic(brokers, name)


def test_an_aborted_transaction_is_invisible_and_the_next_one_commits(
    brokers: str, narrow_topic: str
) -> None:
    good, large = QueueMessage("1", b"user-1", b"{}"), QueueMessage("2", b"user-1", b"x" * 5_000)
    transactor = Transactor(brokers, f"test-{uuid4()}", linger_ms=0, timeout_ms=10_000)
    transactor.open(narrow_topic)

    with pytest.raises(Exception, match="MSG_SIZE_TOO_LARGE") as caught:
        transactor.commit(narrow_topic, [good, good, large])
    assert isinstance(caught.value.args[0], KafkaError)
    assert stored(brokers, narrow_topic) == []

    transactor.commit(narrow_topic, [good])
    assert [message.value() for message in stored(brokers, narrow_topic)] == [b"{}"]


@pytest.mark.parametrize(
    "workload",
    [ProduceMessages, ProduceTransactions, ProduceCeiling],
    ids=lambda kind: kind.__name__,
)
def test_a_refused_message_is_a_failed_sample_and_never_acknowledged(
    brokers: str, narrow_topic: str, workload: type[Workload]
) -> None:
    async def body() -> None:
        parameters = given(
            brokers, narrow_topic, message_bytes=5_000, batch=5, messages_per_transaction=5
        )
        async with opened(workload(), parameters | {"ledger": True}) as bench:
            await bench.iterate(2)

        assert outcomes(bench.samples) == {("failed", "msg_size_too_large"): 2}
        assert {sample.records for sample in bench.samples} == {0}
        assert bool(bench.recorder.ids(LedgerEvent.INTENDED)) is (workload is not ProduceCeiling)
        assert not bench.recorder.ids(LedgerEvent.ACKNOWLEDGED)

    asyncio.run(body())
    assert stored(brokers, narrow_topic) == []


def test_the_ceiling_counts_what_was_delivered_and_keeps_no_ledger(
    brokers: str, topic: str
) -> None:
    async def body() -> None:
        async with opened(ProduceCeiling(), given(brokers, topic, batch=2_000), vus=2) as bench:
            await bench.iterate(3, vus=2)

        assert outcomes(bench.samples) == {("ok", ""): 6}
        assert {(sample.operation, sample.records) for sample in bench.samples} == {
            ("produce_batch", 2_000)
        }
        assert not bench.recorder.entries

    asyncio.run(body())
    assert sum(lag.messages for lag in watermarks(brokers, topic)) == 12_000
    read = stored(brokers, topic)
    assert {len(message.value() or b"") for message in read} == {200}
    assert len({json.loads(message.value() or b"")["messageId"] for message in read}) == 12_000


def test_a_batch_larger_than_the_clients_queue_is_delivered_whole(brokers: str, topic: str) -> None:
    async def body() -> None:
        parameters = given(brokers, topic, batch=150_000, message_bytes=1, timeout_us=20_000_000)
        async with opened(ProduceCeiling(), parameters) as bench:
            await bench.iterate(1)

        assert [sample.records for sample in bench.samples] == [150_000]

    asyncio.run(body())
    assert sum(lag.messages for lag in watermarks(brokers, topic)) == 150_000


@pytest.mark.parametrize(
    "workload",
    [ProduceMessages, ProduceTransactions, ProduceCeiling],
    ids=lambda kind: kind.__name__,
)
def test_a_missing_topic_is_told_before_the_load(brokers: str, workload: type[Workload]) -> None:
    async def body() -> None:
        async with opened(workload(), given(brokers, "no-such-topic")):
            pass

    with pytest.raises(TargetUnavailableError, match="metadata of no-such-topic failed on the"):
        asyncio.run(body())


def test_brokers_that_are_down_are_named() -> None:
    async def body() -> None:
        async with opened(ProduceMessages(), given("127.0.0.1:1", "any")):
            pass

    with pytest.raises(TargetUnavailableError, match=r"failed on the brokers 127\.0\.0\.1:1"):
        asyncio.run(body())
