"""The benchmark that creates users with a ramping number of virtual users.

Add here: another fact about this benchmark. Keep out: its numbers (profiles/*.toml).
"""

from typing import Final

from perf_pipeline.benchmarks.record import Benchmark, Part

API_USER_CREATION: Final = Benchmark(
    name="api_user_creation",
    group="api",
    kinds=frozenset({"http"}),
    summary="Create users with a ramping number of virtual users (closed model, think time "
    "between).",
    description="`POST /user`; each response is checked for status, id, email and duration. "
    "Promises: median, p95, p99, failed requests, success rate and throughput.",
    after="",
    needs=frozenset({Part.API}),
    takes_own_scenarios=True,
)
