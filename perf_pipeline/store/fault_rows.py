"""Read the faults that were injected while the benchmarks of a run were loaded.

Add here: another question about faults. Keep out: writing them (ingest.py does, from the spool).
"""

from perf_pipeline.metrics.faults import FaultRecord
from perf_pipeline.store.benchmark_rows import rows_by_benchmark
from perf_pipeline.store.history import History


def faults_of(history: History, run_id: str) -> dict[str, list[FaultRecord]]:
    """List the faults of each benchmark of a run, in the order of their begin."""
    return rows_by_benchmark(history, run_id, "faults", FaultRecord, order="injected_us")
