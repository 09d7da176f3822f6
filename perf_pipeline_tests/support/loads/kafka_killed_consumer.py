"""A consumer in a process of its own, to be killed: prints each message id that it completed.

Add here: nothing. Keep out: assertions (test_kafka_consume).
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from perf_pipeline.metrics.sample import LedgerEntry
from perf_pipeline.workloads.kafka.consume import ConsumeMessages
from perf_pipeline_tests.support.loads.in_memory import MemoryRecorder
from perf_pipeline_tests.support.loads.workload_bench import opened


def print_entry(entry: LedgerEntry) -> None:
    """Print a message id, at once."""
    print(entry.message_id, flush=True)


async def consume(parameters: Mapping[str, Any]) -> None:
    """Work with four VUs until killed."""
    async with opened(ConsumeMessages(), parameters, vus=4) as bench:
        assert isinstance(bench.recorder, MemoryRecorder)
        bench.recorder.on_ledger = print_entry
        await bench.iterate(1_000_000, vus=4)


if __name__ == "__main__":
    asyncio.run(consume(json.loads(sys.argv[1])))
