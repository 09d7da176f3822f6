"""A broker that stops for a second: its messages are late, and the samples say so."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from perf_pipeline.engine.ports import Workload
from perf_pipeline.metrics.sample import LedgerEvent
from perf_pipeline.stack.parts import EXTERNAL, Stack
from perf_pipeline.workloads.kafka.consume import ConsumeMessages
from perf_pipeline.workloads.kafka.produce import ProduceMessages, ProduceTransactions
from perf_pipeline.workloads.kafka.topics import fix_position
from perf_pipeline_tests.support.loads.kafka_topics import own_topic
from perf_pipeline_tests.support.loads.workload_bench import opened, outcomes

STALL_US = 1_000_000


@pytest.fixture
def broker_pid(servers: Stack) -> int:
    """Give the broker's process, where it is ours to stop."""
    (broker,) = (service for service in servers.services if service.name == "broker")
    if broker.kind == EXTERNAL:
        pytest.skip("the given broker is not ours to stop")
    return broker.pids[0]


@pytest.fixture
def topic(brokers: str) -> Iterator[str]:
    """Give a topic of its own."""
    with own_topic(brokers, "stall", 1) as name:
        yield name


async def stall(pid: int) -> None:
    await asyncio.sleep(0.5)
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(STALL_US / 1e6)
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("workload", [ProduceMessages, ProduceTransactions])
def test_a_stalled_broker_shows_in_the_latency_of_every_vu(
    brokers: str, topic: str, broker_pid: int, workload: Callable[[], Workload]
) -> None:
    async def body() -> None:
        given = {"brokers": brokers, "topic": topic, "run": "r1"}
        async with opened(workload(), given, vus=4) as bench:
            stalling = asyncio.create_task(stall(broker_pid))

            async def one_vu(vu: int) -> None:
                number = 0
                while not stalling.done():
                    await bench.workload.iterate(bench.iteration(vu, number))
                    number += 1

            await asyncio.gather(stalling, *(one_vu(vu) for vu in range(1, 5)))

        assert set(outcomes(bench.samples)) == {("ok", "")}
        by_vu: dict[int, int] = {}
        for sample in bench.samples:
            by_vu[sample.vu] = max(by_vu.get(sample.vu, 0), sample.ended_us - sample.started_us)
        # Each VU was waiting for most of the second, and none left its message out.
        assert len(by_vu) == 4
        assert min(by_vu.values()) >= 0.9 * STALL_US

    asyncio.run(body())


def test_a_stalled_broker_loses_no_message_on_its_way_to_a_consumer(
    brokers: str, topic: str, broker_pid: int
) -> None:
    async def body() -> None:
        given = {"brokers": brokers, "topic": topic, "run": "r1", "group": f"g-{topic}"}
        fix_position(brokers, given["group"], topic)
        async with (
            opened(ConsumeMessages(), given, vus=4) as consuming,
            opened(ProduceMessages(), given, vus=4) as producing,
        ):
            everything = asyncio.Event()
            consuming.recorder.on_ledger = lambda _: (
                everything.set() if len(consuming.recorder.entries) == 400 else None
            )
            work = asyncio.create_task(consuming.iterate(1_000_000, vus=4))
            await asyncio.gather(stall(broker_pid), producing.iterate(100, vus=4))
            await asyncio.wait_for(everything.wait(), 20)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

        completed = Counter(consuming.recorder.ids(LedgerEvent.COMPLETED))
        assert completed == Counter(producing.recorder.ids(LedgerEvent.ACKNOWLEDGED))

    asyncio.run(body())
