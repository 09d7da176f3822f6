"""The benchmark that follows each message from the API call to the worker.

Add here: another fact about this benchmark. Keep out: its numbers (profiles/*.toml).
"""

from typing import Final

from perf_pipeline.benchmarks.evidence import messages_delivered
from perf_pipeline.benchmarks.queue_consume import QUEUE_CONSUME
from perf_pipeline.benchmarks.record import Benchmark, LedgerKind, Part

END_TO_END: Final = Benchmark(
    name="end_to_end",
    group="system",
    kinds=frozenset({"http", "kafka", "postgres"}),
    summary="Follow each message from the API call's intended start to the worker's work.",
    description=(
        "The load is an open model: starts are planned, so a stall of the system shows as latency. "
        "Consumer lag, connections and locks are watched meanwhile."
    ),
    after=QUEUE_CONSUME.name,
    needs=frozenset({Part.API}),
    ledger=LedgerKind.SYSTEM,
    figures=messages_delivered,
    takes_own_scenarios=True,
)
