"""The points of a run's scaling runs.

Add here: another question about points. Keep out: the law through them (analysis/scaling.py).
"""

from typing import Final

from perf_pipeline.metrics.scaling_point import SCALING_POINT_COLUMNS, ScalingPoint
from perf_pipeline.store.history import History

_SELECT: Final = f"""
select benchmark, {", ".join(SCALING_POINT_COLUMNS)} from scaling_points
where run_id = ? order by benchmark, position
"""


def scaling_points(history: History, run_id: str) -> dict[str, list[ScalingPoint]]:
    """Return the points of each benchmark of a run that searched at several numbers of units."""
    history.proof.require_rows([run_id], "scaling_points")
    found: dict[str, list[ScalingPoint]] = {}
    for benchmark, *values in history.connection.execute(_SELECT, [run_id]).fetchall():
        found.setdefault(benchmark, []).append(ScalingPoint(*values))
    return found
