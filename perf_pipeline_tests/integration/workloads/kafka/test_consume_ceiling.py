"""Consuming a backlog without work: every message is counted once, holes and repeats are told."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

from perf_pipeline.config.kafka_client import with_properties
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.workloads.kafka.backlog import ensure_backlog
from perf_pipeline.workloads.kafka.consume_ceiling import ConsumeCeiling
from perf_pipeline.workloads.kafka.produce import ProduceCeiling, ProduceTransactions
from perf_pipeline.workloads.kafka.topics import fix_position
from perf_pipeline_tests.support.loads.kafka_lag import lag
from perf_pipeline_tests.support.loads.kafka_topics import consumed_topic
from perf_pipeline_tests.support.loads.rebalanced_amid import rebalance_amid
from perf_pipeline_tests.support.loads.workload_bench import Bench, opened, outcomes

PARTITIONS = 3
MESSAGES = 400_000  # four times what librdkafka keeps at hand


@pytest.fixture
def parameters(brokers: str) -> Iterator[dict[str, Any]]:
    """Give a topic and a group of their own, at the topic's beginning."""
    with consumed_topic(brokers, "ceiling", PARTITIONS) as given:
        fix_position(brokers, given["group"], given["topic"])
        yield given


async def produce(given: dict[str, Any], batches: int) -> None:
    async with opened(ProduceCeiling(), given | {"batch": 1_000}, vus=4) as bench:
        await bench.iterate(batches // 4, vus=4)
    assert outcomes(bench.samples) == {("ok", ""): batches}


def counted(*benches: Bench) -> int:
    return sum(sample.records for bench in benches for sample in bench.samples)


async def consume_until(messages: int, *benches: Bench) -> None:
    """Let two VUs of each worker consume until all have been counted."""
    consuming = [asyncio.create_task(bench.iterate(1_000_000, vus=2)) for bench in benches]
    give_up_s = time.monotonic() + 20
    try:
        while counted(*benches) < messages:
            assert time.monotonic() < give_up_s, f"{counted(*benches)} of {messages} in 20 s"
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)  # whoever counts too much shall have the time for it
    finally:
        for task in consuming:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def test_every_message_of_a_backlog_is_counted_once(parameters: dict[str, Any]) -> None:
    async def body() -> None:
        await produce(parameters, MESSAGES // 1_000)
        async with opened(ConsumeCeiling(), parameters, vus=2) as bench:
            await consume_until(MESSAGES, bench)

        assert counted(bench) == MESSAGES
        assert sum(sample.bytes_in for sample in bench.samples) == MESSAGES * 200
        assert {(sample.operation, sample.outcome.value) for sample in bench.samples} == {
            ("consume_batch", "ok")
        }
        assert all(
            sample.intended_us == sample.started_us <= sample.ended_us for sample in bench.samples
        )
        # As it comes, librdkafka waits a second whenever it has enough: 2 s and more for this.
        starts_us = [sample.started_us for sample in bench.samples]
        assert max(later - earlier for earlier, later in pairwise(starts_us)) < 700_000
        assert lag(parameters) == 0

    asyncio.run(body())


def test_a_rebalance_amid_a_batch_counts_every_message_once(
    parameters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group's brokers share its work out, so that the member keeps its partitions."""
    rebalance_amid(monkeypatch)
    brokers = with_properties(parameters["brokers"], {"group.protocol": "consumer"})

    async def body() -> None:
        await produce(parameters, 40)
        async with opened(ConsumeCeiling(), parameters | {"brokers": brokers}, vus=2) as bench:
            await consume_until(40_000, bench)

        assert counted(bench) == 40_000
        assert outcomes(bench.samples).keys() == {("ok", "")}
        assert lag(parameters) == 0

    asyncio.run(body())


def test_two_workers_share_the_backlog(parameters: dict[str, Any]) -> None:
    async def body() -> None:
        await produce(parameters, 20)
        async with (
            opened(ConsumeCeiling(), parameters, vus=2) as one,
            opened(ConsumeCeiling(), parameters, vus=2) as other,
        ):
            await asyncio.sleep(5)  # until the second one has its partitions
            await consume_until(20_000, one, other)

        assert counted(one, other) == 20_000
        assert counted(one)
        assert counted(other)
        assert outcomes(one.samples).keys() | outcomes(other.samples).keys() == {("ok", "")}
        assert lag(parameters) == 0

    asyncio.run(body())


def test_waiting_for_messages_is_no_sample(parameters: dict[str, Any]) -> None:
    async def body() -> None:
        async with opened(ConsumeCeiling(), parameters, vus=2) as bench:
            waiting = asyncio.create_task(bench.iterate(10, vus=2))
            await asyncio.sleep(1)
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting

        assert bench.samples == []

    asyncio.run(body())


def test_holes_that_transactions_leave_are_no_losses(parameters: dict[str, Any]) -> None:
    """Each of the transactions takes an offset that no message has."""

    async def body() -> None:
        async with opened(ProduceTransactions(), parameters, vus=1) as bench:
            await bench.iterate(3)
        async with opened(ConsumeCeiling(), parameters, vus=1) as bench:
            await consume_until(30, bench)

        assert outcomes(bench.samples).keys() == {("ok", "")}
        assert counted(bench) == 30
        (note,) = set(bench.recorder.notes)
        assert "have holes, as transactions and compaction leave them" in note

    asyncio.run(body())


def test_a_missing_topic_is_told_before_the_load(parameters: dict[str, Any]) -> None:
    async def body() -> None:
        async with opened(ConsumeCeiling(), parameters | {"topic": "no-such-topic"}):
            pass

    with pytest.raises(TargetUnavailableError, match="metadata of no-such-topic failed on the"):
        asyncio.run(body())


def test_a_backlog_is_filled_up_to_what_was_asked_for(parameters: dict[str, Any]) -> None:
    place = (parameters["brokers"], parameters["group"], parameters["topic"])
    asyncio.run(produce(parameters, 4))

    produced = [
        ensure_backlog(*place, messages, value=b"x" * 10) for messages in (4_000, 25_000, 9_000)
    ]

    assert produced == [0, 21_000, 0]
    assert lag(parameters) == 25_000


def test_a_refused_filling_is_told(parameters: dict[str, Any]) -> None:
    place = (parameters["brokers"], parameters["group"], parameters["topic"])

    with pytest.raises(TargetUnavailableError, match=r"filling up .* \(msg_size_too_large\)"):
        ensure_backlog(*place, 10, value=b"x" * 2_000_000)
