"""Consuming from a real broker: nothing is lost, whatever happens to the consumers."""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from perf_pipeline.config.kafka_client import kafka_settings, with_properties
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.metrics.sample import LedgerEvent
from perf_pipeline.workloads.kafka.consume import ConsumeMessages
from perf_pipeline.workloads.kafka.produce import ProduceMessages, ProduceTransactions
from perf_pipeline.workloads.kafka.topics import fix_position, watermarks
from perf_pipeline_tests.support.loads.kafka_lag import lag
from perf_pipeline_tests.support.loads.kafka_topics import consumed_topic
from perf_pipeline_tests.support.loads.rebalanced_amid import rebalance_amid
from perf_pipeline_tests.support.loads.workload_bench import Bench, opened, outcomes

PARTITIONS = 3


BY_BOTH = pytest.mark.parametrize("parameters", ["classic", "consumer"], indirect=True)


@pytest.fixture
def parameters(brokers: str, request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Give a topic and a group of their own, perhaps with the group protocol of a target."""
    protocol = getattr(request, "param", None)
    told = with_properties(brokers, {"group.protocol": protocol} if protocol else {})
    with consumed_topic(told, "consume", PARTITIONS) as given:
        yield {**given, "work_us": [0, 2_000]}


def fix(given: dict[str, Any]) -> dict[int, int]:
    return fix_position(given["brokers"], given["group"], given["topic"])


async def produce(given: dict[str, Any], count: int, scenario: str = "produce") -> Counter[str]:
    """Produce messages and give the ids that the broker has promised to deliver."""
    async with opened(ProduceMessages(), given, vus=20, scenario=scenario) as bench:
        await bench.iterate(count // 20, vus=20)
        ids = bench.recorder.ids(LedgerEvent.ACKNOWLEDGED)
    assert len(ids) == count
    return Counter(ids)


async def consume_until(bench: Bench, vus: int, is_done: Callable[[], bool]) -> None:
    """Let VUs consume until the condition holds; those that wait then are cancelled."""
    consuming = asyncio.create_task(bench.iterate(1_000_000, vus=vus))
    give_up_s = time.monotonic() + 25
    try:
        while not is_done():
            assert time.monotonic() < give_up_s, "not consumed in 25 s"
            await asyncio.sleep(0.02)
    finally:
        consuming.cancel()
        with suppress(asyncio.CancelledError):
            await consuming


def completed(*benches: Bench) -> Counter[str]:
    return Counter(
        message_id for bench in benches for message_id in bench.recorder.ids(LedgerEvent.COMPLETED)
    )


@BY_BOTH
def test_a_consumer_that_joins_after_the_producer_sees_every_message(
    parameters: dict[str, Any],
) -> None:
    async def body() -> None:
        await produce(parameters, 60, scenario="an-earlier-run")
        fixed = fix(parameters)
        assert sum(fixed.values()) == 60
        promised = await produce(parameters, 200)

        async with opened(ConsumeMessages(), parameters, vus=5) as bench:
            await consume_until(bench, 5, lambda: completed(bench).total() >= 200)

        assert completed(bench) == promised
        assert outcomes(bench.samples) == {("ok", ""): 200}
        assert lag(parameters) == 0

    asyncio.run(body())


def test_a_sample_tells_waiting_from_work(parameters: dict[str, Any]) -> None:
    async def body() -> None:
        fix(parameters)
        await produce(parameters, 40)
        given = parameters | {"work_us": [20_000, 20_000]}
        async with opened(ConsumeMessages(), given, vus=1) as bench:
            await consume_until(bench, 1, lambda: completed(bench).total() >= 40)

        samples = bench.samples
        assert {sample.operation for sample in samples} == {"consume"}
        assert all(sample.ended_us - sample.started_us >= 20_000 for sample in samples)
        # One VU: the messages that were received together wait for each other's work.
        assert all(sample.intended_us <= sample.started_us for sample in samples)
        assert samples[-1].started_us - samples[-1].intended_us >= 20_000
        starts = [sample.started_us for sample in samples]
        assert all(later - earlier >= 20_000 for earlier, later in pairwise(starts))

    asyncio.run(body())


def test_waiting_for_a_message_is_no_sample(parameters: dict[str, Any]) -> None:
    async def body() -> None:
        fix(parameters)
        async with opened(ConsumeMessages(), parameters, vus=3) as bench:
            begun_s = time.monotonic()
            await consume_until(bench, 3, lambda: time.monotonic() > begun_s + 0.5)
        assert bench.samples == []

    asyncio.run(body())


def test_nothing_is_received_before_the_load_begins(parameters: dict[str, Any]) -> None:
    async def body() -> None:
        fix(parameters)
        await produce(parameters, 20)
        async with opened(ConsumeMessages(), parameters, vus=3) as bench:
            await asyncio.sleep(1)
            began_us = bench.clock.now_us()
            await consume_until(bench, 3, lambda: completed(bench).total() >= 20)
        assert min(sample.intended_us for sample in bench.samples) >= began_us

    asyncio.run(body())


def test_interrupted_work_is_not_committed_and_comes_again(parameters: dict[str, Any]) -> None:
    async def body() -> None:
        fix(parameters)
        promised = await produce(parameters, 40)
        slow = parameters | {"work_us": [60_000_000, 60_000_000]}
        async with opened(ConsumeMessages(), slow, vus=4) as bench:
            await consume_until_working(bench)
        assert outcomes(bench.samples) == {("interrupted", ""): 4}
        assert lag(parameters) == 40

        async with opened(ConsumeMessages(), parameters, vus=4) as again:
            await consume_until(again, 4, lambda: completed(again).total() >= 40)
        assert completed(again) == promised

    async def consume_until_working(bench: Bench) -> None:
        began_s = time.monotonic()
        await consume_until(bench, 4, lambda: time.monotonic() > began_s + 2)

    asyncio.run(body())


def test_markers_of_transactions_leave_no_lag(parameters: dict[str, Any]) -> None:
    async def body() -> None:
        fix(parameters)
        given = parameters | {"messages_per_transaction": 5}
        async with opened(ProduceTransactions(), given, vus=2) as producing:
            await producing.iterate(4, vus=2)
        promised = Counter(producing.recorder.ids(LedgerEvent.ACKNOWLEDGED))
        async with opened(ConsumeMessages(), parameters, vus=4) as bench:
            await consume_until(bench, 4, lambda: completed(bench).total() >= 40)
            await asyncio.sleep(0.5)
        assert completed(bench) == promised
        # 40 messages and at least one marker each of the 8 transactions
        assert sum(mark.messages for mark in watermarks(given["brokers"], given["topic"])) >= 48
        assert lag(parameters) == 0

    asyncio.run(body())


def test_an_unreadable_message_is_a_failed_sample_and_passed_over(
    parameters: dict[str, Any],
) -> None:
    async def body() -> None:
        fix(parameters)
        producer = Producer({**kafka_settings(parameters["brokers"])})
        for value in (b"no json", b"[]", b'{"messageId": 7}', None):
            producer.produce(parameters["topic"], value, partition=0)
        assert producer.flush(10) == 0
        async with opened(ConsumeMessages(), parameters, vus=2) as bench:
            await consume_until(bench, 2, lambda: len(bench.samples) >= 4)
        assert outcomes(bench.samples) == {("failed", "unreadable"): 4}
        assert lag(parameters) == 0

    asyncio.run(body())


@BY_BOTH
def test_a_member_that_joins_later_takes_over_and_nothing_is_lost(
    parameters: dict[str, Any],
) -> None:
    async def body() -> None:
        fix(parameters)
        # Brokers that share the work out tell a member of it every 5 s: 10 s of work for one.
        work_us = 20_000 if "group.protocol=consumer" in parameters["brokers"] else 5_000
        given = parameters | {"work_us": [work_us, work_us]}
        promised = await produce(parameters, 1_000)

        async with opened(ConsumeMessages(), given, vus=2) as first:
            began = asyncio.Event()
            first.recorder.on_ledger = lambda _: began.set()
            consuming = asyncio.create_task(first.iterate(1_000_000, vus=2))
            await began.wait()
            async with opened(ConsumeMessages(), given, vus=2, worker=1, workers=2) as second:
                await consume_until(
                    second, 2, lambda: len(completed(first) | completed(second)) >= 1_000
                )
            consuming.cancel()
            with suppress(asyncio.CancelledError):
                await consuming

        done = completed(first, second)
        assert set(done) == set(promised)
        assert completed(second).total() > 0
        # Work under way is finished and committed before partitions are given away.
        assert done.total() - len(done) == 0
        assert lag(parameters) == 0

    asyncio.run(body())


@pytest.mark.parametrize("parameters", ["consumer"], indirect=True)
def test_a_rebalance_amid_a_collection_lets_no_message_come_twice(
    parameters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rebalance_amid(monkeypatch)

    async def body() -> None:
        fix(parameters)
        promised = await produce(parameters, 2_000)
        async with opened(ConsumeMessages(), parameters, vus=10) as bench:
            await consume_until(bench, 10, lambda: set(completed(bench)) == set(promised))
        assert completed(bench) == promised
        assert outcomes(bench.samples).keys() <= {("ok", ""), ("interrupted", "")}
        assert lag(parameters) == 0

    asyncio.run(body())


@pytest.mark.timeout(180)
def test_a_killed_consumer_loses_nothing_and_its_unfinished_work_comes_again(
    parameters: dict[str, Any], tmp_path: Path
) -> None:
    fix(parameters)
    promised = asyncio.run(produce(parameters, 1_000))
    given = parameters | {
        "work_us": [5_000, 5_000],
        "commit_interval_us": 60_000_000,
        "session_timeout_ms": 6_000,  # the least that a broker allows by default
        "heartbeat_ms": 1_000,
    }
    module = "perf_pipeline_tests.support.loads.kafka_killed_consumer"
    output = tmp_path / "completed.txt"
    with output.open("wb") as file:
        victim = subprocess.Popen([sys.executable, "-m", module, json.dumps(given)], stdout=file)
        give_up_s = time.monotonic() + 20
        while len(output.read_text(encoding="utf-8").split()) < 100:
            assert time.monotonic() < give_up_s, "the consumer did not begin"
            time.sleep(0.05)
        victim.kill()
        victim.wait()
    by_victim = Counter(output.read_text(encoding="utf-8").split())

    async def body() -> None:
        async with opened(ConsumeMessages(), given, vus=10) as bench:
            await consume_until(bench, 10, lambda: lag_of_ledger(bench) == 0)
        duplicates = by_victim + completed(bench)
        assert set(duplicates) == set(promised)
        # The victim had committed nothing, so that all of its work is done twice, told by id.
        assert duplicates.total() - len(duplicates) == by_victim.total() >= 100
        assert lag(parameters) == 0

    def lag_of_ledger(bench: Bench) -> int:
        return len(set(promised) - set(completed(bench)))

    asyncio.run(body())


def test_a_missing_topic_is_told_before_the_load(brokers: str) -> None:
    async def body() -> None:
        given = {"brokers": brokers, "topic": "no-such-topic", "group": "any"}
        async with opened(ConsumeMessages(), given):
            pass

    with pytest.raises(TargetUnavailableError, match="metadata of no-such-topic failed on the"):
        asyncio.run(body())


def test_the_position_of_an_active_group_is_not_touched(parameters: dict[str, Any]) -> None:
    async def body() -> None:
        fix(parameters)
        async with opened(ConsumeMessages(), parameters):
            with pytest.raises(TargetUnavailableError, match="has members on"):
                await asyncio.to_thread(fix, parameters)

    asyncio.run(body())
