"""A topic that is deleted under load is called deleted, although the client only times out."""

import asyncio
import time
from collections.abc import Callable

import pytest

from perf_pipeline.engine.ports import Workload
from perf_pipeline.workloads.kafka.consume import ConsumeMessages
from perf_pipeline.workloads.kafka.produce import (
    ProduceCeiling,
    ProduceMessages,
    ProduceTransactions,
)
from perf_pipeline.workloads.kafka.topics import fix_position
from perf_pipeline_tests.support.loads.kafka_topics import delete_topic, own_topic
from perf_pipeline_tests.support.loads.workload_bench import Bench, opened, outcomes


async def loaded_without_topic(
    workload: Workload, brokers: str, topic: str, timeout_us: int
) -> Bench:
    """Load, delete the topic, and load on until an operation has failed for that."""
    given = {"brokers": brokers, "topic": topic, "run": "r1", "group": f"of-{topic}"}
    async with opened(workload, given | {"timeout_us": timeout_us}, vus=2) as bench:
        work = asyncio.create_task(bench.iterate(1_000_000, vus=2))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(delete_topic, brokers, topic)
        began_s = time.monotonic()
        while ("failed", "unknown_topic_or_part") not in outcomes(bench.samples):
            await asyncio.sleep(0.05)
            assert time.monotonic() - began_s < 20, outcomes(bench.samples)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    return bench


@pytest.mark.parametrize(
    ("workload", "timeout_s"),
    # To open transactions takes seconds on a busy machine, and has the same time.
    [(ConsumeMessages, 1), (ProduceMessages, 1), (ProduceTransactions, 5), (ProduceCeiling, 1)],
)
def test_a_topic_that_is_deleted_under_load_is_called_deleted(
    brokers: str, workload: Callable[[], Workload], timeout_s: int
) -> None:
    with own_topic(brokers, "deleted", 1) as topic:
        fix_position(brokers, f"of-{topic}", topic)

        bench = asyncio.run(loaded_without_topic(workload(), brokers, topic, 1_000_000 * timeout_s))

    (note,) = set(bench.recorder.notes)
    assert note.startswith(f"the topic {topic} was deleted on the brokers 127.0.0.1:")
    assert note.endswith(" under load")
