"""The benchmark that creates, reads and deletes users at the same time.

Add here: another fact about this benchmark. Keep out: its numbers (profiles/*.toml).
"""

from typing import Final

from perf_pipeline.benchmarks.api_user_creation import API_USER_CREATION
from perf_pipeline.benchmarks.record import BeforeLoad, Benchmark, Part

API_MIXED_OPERATIONS: Final = Benchmark(
    name="api_mixed_operations",
    group="api",
    kinds=frozenset({"http"}),
    summary="Create, read and delete users at once, each with its own promise.",
    description=(
        "Three scenarios run side by side, each at its own rate; reads and deletes use separate "
        "ids, and a 404 is a correct answer to a delete."
    ),
    after=API_USER_CREATION.name,
    needs=frozenset({Part.API}),
    before_load=(BeforeLoad.SEEDED_USERS,),
    takes_own_scenarios=True,
)
