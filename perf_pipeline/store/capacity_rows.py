"""The windows of a run's searches for a capacity.

Add here: another question about windows. Keep out: the answer that they give (analysis/capacity/).
"""

from perf_pipeline.metrics.capacity_window import CapacityWindow
from perf_pipeline.store.benchmark_rows import rows_by_benchmark
from perf_pipeline.store.history import History


def capacity_windows(history: History, run_id: str) -> dict[str, list[CapacityWindow]]:
    """Return the windows of each benchmark of a run that searched, in the order of loading."""
    return rows_by_benchmark(history, run_id, "capacity_windows", CapacityWindow, order="number")
