"""The windows of a run's searches for a capacity.

Add here: another question about windows. Keep out: the answer that they give (analysis/capacity/).
"""

from typing import Final

from perf_pipeline.metrics.capacity_window import CAPACITY_WINDOW_COLUMNS, CapacityWindow
from perf_pipeline.store.history import History

_SELECT: Final = f"""
select benchmark, {", ".join(CAPACITY_WINDOW_COLUMNS)} from capacity_windows
where run_id = ? order by benchmark, number
"""


def capacity_windows(history: History, run_id: str) -> dict[str, list[CapacityWindow]]:
    """Return the windows of each benchmark of a run that searched, in the order of loading."""
    history.proof.require_rows([run_id], "capacity_windows")
    found: dict[str, list[CapacityWindow]] = {}
    for benchmark, *values in history.connection.execute(_SELECT, [run_id]).fetchall():
        found.setdefault(benchmark, []).append(CapacityWindow(*values))
    return found
