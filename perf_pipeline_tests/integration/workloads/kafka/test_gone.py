"""A broker that is gone, or hangs: told within seconds, and nothing waits for it at the end."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.config.own_deliveries import Deliveries
from perf_pipeline.engine.ports import Workload
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.metrics.sample import Sample
from perf_pipeline.metrics.threshold import Status
from perf_pipeline.stack.embedded import running_stack
from perf_pipeline.stack.parts import Stack, StackOptions
from perf_pipeline.workloads.kafka import own_deliveries, server_clock
from perf_pipeline.workloads.kafka.consume import ConsumeMessages
from perf_pipeline.workloads.kafka.consume_ceiling import ConsumeCeiling
from perf_pipeline.workloads.kafka.own_deliveries import TopicDeliveries
from perf_pipeline.workloads.kafka.produce import ProduceMessages
from perf_pipeline.workloads.kafka.server_clock import KafkaClock
from perf_pipeline.workloads.kafka.topics import ensure_topic, fix_position
from perf_pipeline_tests.support.histories.spool import counts
from perf_pipeline_tests.support.histories.verdicts import judged
from perf_pipeline_tests.support.loads.engine_loads import job_of, load, samples, scenario
from perf_pipeline_tests.support.loads.left_out_message import leave_out
from perf_pipeline_tests.support.loads.workload_bench import Bench, opened, outcomes
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.hanging_broker import HangingBroker, hanging_broker
from perf_pipeline_tests.support.silent import hush

# The first test starts the broker, which takes a minute where much else runs.
pytestmark = pytest.mark.timeout(180)

CONSUMING = "perf_pipeline.workloads.kafka.consume:ConsumeMessages"
MOMENTS = int(os.environ.get("PERF_TEST_MOMENTS", "2"))
SEED = int(os.environ.get("PERF_TEST_SEED", "1"))
LOAD_S = 1.5
# Five seconds of failures end a load; 15 s are promised.
FIRST_FAILURE_WITHIN_S = 8.5


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give a broker of this file's own, which goes on after each test that stopped it."""
    options = StackOptions(parts=frozenset({"kafka"}))
    state = new_state(tmp_path_factory.mktemp("gone") / "state")
    with running_stack(state, options, say=hush) as running:
        yield running


@pytest.fixture
def broker(stack: Stack) -> Iterator[HangingBroker]:
    with hanging_broker(stack) as given:
        yield given


async def first_failure_s(
    workload: Workload, broker: HangingBroker, number: signal.Signals
) -> float:
    """Load, send the broker a signal, and give how long it took until an operation failed."""
    async with opened(workload, broker.given, vus=4) as bench:
        work = asyncio.create_task(bench.iterate(1_000_000, vus=4))
        await asyncio.sleep(0.5)
        os.kill(broker.pid, number)
        began_s = time.monotonic()
        while not any(sample.error for sample in bench.samples):
            await asyncio.sleep(0.05)
            assert time.monotonic() - began_s < 20
        took_s = time.monotonic() - began_s
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    return took_s


@pytest.mark.parametrize("number", [signal.SIGSTOP], ids=lambda sent: sent.name)
@pytest.mark.parametrize("workload", [ConsumeMessages, ProduceMessages])
def test_a_broker_that_is_gone_fails_operations_within_seconds(
    broker: HangingBroker, workload: Callable[[], Workload], number: signal.Signals
) -> None:
    began_s = time.monotonic()

    took_s = asyncio.run(first_failure_s(workload(), broker, number))

    assert 2 < took_s < FIRST_FAILURE_WITHIN_S  # a hiccup of 2 s fails nothing
    assert time.monotonic() - began_s - took_s < 9  # opening and closing


@pytest.mark.parametrize("workload", [ConsumeMessages, ConsumeCeiling])
def test_a_consumer_that_waits_at_the_end_for_a_broker_that_hangs_was_not_answered(
    broker: HangingBroker, workload: Callable[[], Workload]
) -> None:
    """The load ends 0.2 s after the broker: soon enough for nobody to have noticed."""

    async def body() -> Bench:
        async with opened(workload(), broker.given, vus=2) as bench:
            work = asyncio.create_task(bench.iterate(1_000_000, vus=2))
            await asyncio.sleep(0.5)
            os.kill(broker.pid, signal.SIGSTOP)
            await asyncio.sleep(0.2)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        return bench

    bench = asyncio.run(body())

    assert outcomes(bench.samples) == {("interrupted", "unanswered"): 2}
    assert all(sample.ended_us - sample.started_us > 2_000_000 for sample in bench.samples)
    assert all(sample.records == 0 for sample in bench.samples)


def test_looking_into_holes_takes_no_more_time_from_the_end_while_the_broker_hangs(
    broker: HangingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine gives a workload 5 s: 4.5 s, and the moment that a busy machine needs."""
    leave_out(monkeypatch, 3)
    producer = Producer(kafka_settings(broker.servers))
    for _ in range(8):
        producer.produce(broker.topic, b"x")
    assert producer.flush(20) == 0
    workload = ConsumeCeiling()

    async def body() -> tuple[Bench, float]:
        async with opened(workload, broker.given, vus=2) as bench:
            work = asyncio.create_task(bench.iterate(1_000_000, vus=2))
            give_up_s = time.monotonic() + 20
            while sum(sample.records for sample in bench.samples) < 7:
                await asyncio.sleep(0.05)
                assert time.monotonic() < give_up_s
            os.kill(broker.pid, signal.SIGSTOP)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            began_s = time.monotonic()
        return bench, time.monotonic() - began_s

    bench, took_s = asyncio.run(body())

    assert took_s < 5.5
    assert outcomes(bench.samples)["interrupted", "unanswered"] == 2
    assert outcomes(bench.samples)["failed", "timed_out"] == 1  # nobody tells of the hole


def test_a_consumer_that_works_at_the_end_while_the_broker_hangs_was_not_answered(
    broker: HangingBroker,
) -> None:
    """The work is of no fault; what it would have taken next is not there."""
    producer = Producer(kafka_settings(broker.servers))
    producer.produce(broker.topic, b'{"messageId": "m"}')
    assert producer.flush(20) == 0

    async def body() -> Bench:
        given = broker.given
        long_work = given | {"work_us": [60_000_000, 60_000_000]}
        async with opened(ConsumeMessages(), long_work) as bench:
            work = asyncio.create_task(bench.iterate(1))
            await asyncio.sleep(2)
            os.kill(broker.pid, signal.SIGSTOP)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        return bench

    bench = asyncio.run(body())

    assert outcomes(bench.samples) == {("interrupted", ""): 1, ("interrupted", "unanswered"): 1}


@pytest.mark.timeout(60 + 12 * MOMENTS)
def test_a_broker_that_hangs_at_a_random_moment_until_the_end_never_passes(
    broker: HangingBroker, tmp_path: Path
) -> None:
    """At the end of each load the messages that came are done, and the consumer waits for more."""
    draw = random.Random(SEED)
    for number in range(MOMENTS):
        after_s = draw.uniform(0, LOAD_S)
        group = f"{broker.group}-{number}"  # the broker waits for the members of the one before
        fix_position(broker.servers, group, broker.topic)
        seen = asyncio.run(samples_of_a_load(broker, group, after_s))
        os.kill(broker.pid, signal.SIGCONT)

        consumed: dict[str, list[object]] = {"messages_consumed": ["count>=0"]}
        verdict = judged(tmp_path / group, seen, consumed, counts("bench"))

        assert verdict["target_answered"].status is Status.FAIL, (after_s, outcomes(seen))


async def samples_of_a_load(broker: HangingBroker, group: str, after_s: float) -> list[Sample]:
    """Consume what is produced meanwhile, and stop the broker after so long; give the samples."""
    given = {**broker.given, "group": group}
    producer = Producer({**kafka_settings(broker.servers), "linger.ms": 0})
    async with opened(ConsumeMessages(), given | {"work_us": [0, 2_000]}, vus=2) as bench:
        work = asyncio.create_task(bench.iterate(1_000_000, vus=2))
        began_s = time.monotonic()
        number, is_stopped = 0, False
        while (elapsed_s := time.monotonic() - began_s) < LOAD_S:
            if elapsed_s >= after_s and not is_stopped:
                os.kill(broker.pid, signal.SIGSTOP)
                is_stopped = True
            if elapsed_s < LOAD_S / 2:
                number += 1
                producer.produce(broker.topic, b'{"messageId": "%d"}' % number)
                producer.poll(0)
            await asyncio.sleep(0.01)
        if not is_stopped:
            os.kill(broker.pid, signal.SIGSTOP)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    producer.purge()
    return bench.samples


def test_a_worker_ends_soon_after_its_load_and_keeps_its_spool_while_the_broker_hangs(
    broker: HangingBroker, tmp_path: Path
) -> None:
    plan = {"executor": "constant-vus", "vus": 2, "duration": "3s", "gracefulStop": "0s"}
    given = broker.given
    folder = tmp_path / "spool"
    folder.mkdir()
    consuming = replace(scenario("", plan), workload=CONSUMING, parameters=given)
    began_s = time.monotonic()

    outcome = load(
        job_of(folder, consuming, workers=1),
        on_progress=lambda _: os.kill(broker.pid, signal.SIGSTOP),  # after a second
    )

    took_s = time.monotonic() - began_s
    assert took_s < 3 + 5 + 12  # the load, its end, and a start on a busy machine
    assert not [reason for reason in outcome.health.reasons if "killed" in reason]
    assert list(folder.glob("seal-*.json"))
    cut = [sample for sample in samples(folder) if sample["outcome"] == "interrupted"]
    assert [sample["error"] for sample in cut] == ["unanswered"] * 2


def test_a_broker_that_is_gone_before_the_load_is_named_within_seconds(
    broker: HangingBroker,
) -> None:
    os.kill(broker.pid, signal.SIGSTOP)
    began_s = time.monotonic()

    with pytest.raises(TargetUnavailableError, match=rf"topic {broker.topic}.*{broker.address}"):
        ensure_topic(broker.servers, broker.topic, 1)

    assert time.monotonic() - began_s < 12


def test_a_broker_that_hangs_between_two_questions_is_told_in_a_sentence(
    broker: HangingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers where its topics are, and nothing that is asked of it afterwards."""

    class Hanging(AdminClient):
        def create_topics(self, *topics: Any, **given: Any) -> Any:
            broker.hang()
            return super().create_topics(*topics, **given)

        def describe_configs(self, *resources: Any, **given: Any) -> Any:
            broker.hang()
            return super().describe_configs(*resources, **given)

    settings = {**kafka_settings(broker.servers), "log_level": 0}
    for module in (server_clock, own_deliveries):
        monkeypatch.setattr(module, "admin_of", lambda _: Hanging(settings))
        monkeypatch.setattr(module, "TIMEOUT_S", 1.0)
    shown = {"topic": broker.topic, "id": "$.id"}
    deliveries = TopicDeliveries(
        broker.servers, Deliveries.model_validate(shown), "shop", lambda: 0
    )

    with pytest.raises(
        TargetUnavailableError, match=rf"settings of {broker.topic} .*(no answer|timed_out)"
    ):
        deliveries.require()
    os.kill(broker.pid, signal.SIGCONT)
    with pytest.raises(TargetUnavailableError, match="asking the brokers' clock .*(no ans|timed)"):
        KafkaClock(broker.servers, lambda: 0).open()
