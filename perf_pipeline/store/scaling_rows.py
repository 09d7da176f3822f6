"""The points of a run's scaling runs.

Add here: another question about points. Keep out: the law through them (analysis/scaling.py).
"""

from perf_pipeline.metrics.scaling_point import ScalingPoint
from perf_pipeline.store.benchmark_rows import rows_by_benchmark
from perf_pipeline.store.history import History


def scaling_points(history: History, run_id: str) -> dict[str, list[ScalingPoint]]:
    """Return the points of each benchmark of a run that searched at several numbers of units."""
    return rows_by_benchmark(history, run_id, "scaling_points", ScalingPoint, order="position")
