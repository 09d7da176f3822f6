"""Read how fast each quantity of the benchmarks of a run grew.

Add here: another question about growth. Keep out: writing it (ingest.py does, from the spool).
"""

from perf_pipeline.metrics.growth import GrowthRecord
from perf_pipeline.store.benchmark_rows import rows_by_benchmark
from perf_pipeline.store.history import History


def growth_of(history: History, run_id: str) -> dict[str, list[GrowthRecord]]:
    """List what was watched in each benchmark of a run that has `growth`."""
    return rows_by_benchmark(history, run_id, "growth", GrowthRecord, order="metric, part")
