"""A broker that is gone, or hangs: told within seconds, and nothing waits for it at the end."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from perf_pipeline.engine.ports import Workload
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.stack.embedded import running_stack
from perf_pipeline.stack.parts import StackOptions
from perf_pipeline.workloads.kafka.consume import ConsumeMessages
from perf_pipeline.workloads.kafka.produce import ProduceMessages
from perf_pipeline.workloads.kafka.topics import ensure_topic, fix_position
from perf_pipeline_tests.support.loads.workload_bench import opened
from perf_pipeline_tests.support.places import new_state

TOPIC = "gone"
# Five seconds of failures end a load; 15 s are promised.
FIRST_FAILURE_WITHIN_S = 8.5


@dataclass(frozen=True, slots=True)
class Broker:
    """Hold a broker that a test may stop: where it listens, with and without credentials."""

    address: str
    servers: str
    pid: int


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Give a broker of its own, with a topic and a position."""
    options = StackOptions(parts=frozenset({"kafka"}))
    with running_stack(new_state(tmp_path / "state"), options, say=lambda _: None) as stack:
        (info,) = stack.services
        servers = stack.endpoints.brokers or ""
        ensure_topic(servers, TOPIC, 1)
        fix_position(servers, "g", TOPIC)
        yield Broker(info.address, servers, info.pids[0])
        os.kill(info.pids[0], signal.SIGCONT)


async def first_failure_s(workload: Workload, broker: Broker, number: signal.Signals) -> float:
    """Load, send the broker a signal, and give how long it took until an operation failed."""
    given = {"brokers": broker.servers, "topic": TOPIC, "run": "r1", "group": "g"}
    async with opened(workload, given, vus=4) as bench:
        work = asyncio.create_task(bench.iterate(1_000_000, vus=4))
        await asyncio.sleep(0.5)
        os.kill(broker.pid, number)
        began_s = time.monotonic()
        while not any(one.error for one in bench.samples):
            await asyncio.sleep(0.05)
            assert time.monotonic() - began_s < 20
        took_s = time.monotonic() - began_s
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    return took_s


@pytest.mark.parametrize("number", [signal.SIGSTOP], ids=lambda one: one.name)
@pytest.mark.parametrize("workload", [ConsumeMessages, ProduceMessages])
def test_a_broker_that_is_gone_fails_operations_within_seconds(
    broker: Broker, workload: Callable[[], Workload], number: signal.Signals
) -> None:
    began_s = time.monotonic()

    took_s = asyncio.run(first_failure_s(workload(), broker, number))

    assert 2 < took_s < FIRST_FAILURE_WITHIN_S  # a hiccup of 2 s fails nothing
    assert time.monotonic() - began_s - took_s < 9  # opening and closing


def test_a_broker_that_is_gone_before_the_load_is_named_within_seconds(broker: Broker) -> None:
    os.kill(broker.pid, signal.SIGSTOP)
    began_s = time.monotonic()

    with pytest.raises(TargetUnavailableError, match=rf"topic {TOPIC}.*{broker.address}"):
        ensure_topic(broker.servers, TOPIC, 1)

    assert time.monotonic() - began_s < 12
