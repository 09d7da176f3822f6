"""Plant a history in which a stored run took a tenth of its time: the next run is suspect."""

from pathlib import Path
from typing import Final

from perf_pipeline.store.history import open_history
from perf_pipeline.store.state import State

# Six earlier runs of the same kind with the same noise, in which everything took a tenth.
_CLONE_RUN: Final = """
insert into runs by name
select * replace ($clone as run_id, began_at - to_hours($hours) as began_at)
from runs where run_id = $run_id
"""
_CLONE_BENCHMARK: Final = """
insert into benchmarks by name select * replace ($clone as run_id)
from benchmarks where run_id = $run_id
"""
_CLONE_SUMMARIES: Final = """
insert into summaries by name
select * replace ($clone as run_id, median * $factor as median, p95 * $factor as p95)
from summaries where run_id = $run_id and metric = 'http_req_duration'
"""


def plant_a_faster_past(state: Path, run_id: str, *, is_kept: bool = False) -> None:
    """Turn a run into six earlier ones, `past6` the oldest, whose requests took a tenth.

    Args:
        state: with the run.
        run_id: of the run.
        is_kept: it stays beside them, and is the one that is slow.
    """
    with open_history(State(state).history_file) as history:
        for number in range(1, 7):
            given = {"run_id": run_id, "clone": f"past{number}"}
            history.connection.execute(_CLONE_RUN, {**given, "hours": number})
            history.connection.execute(_CLONE_BENCHMARK, given)
            history.connection.execute(_CLONE_SUMMARIES, {**given, "factor": 0.1 + number / 10_000})
        for table in () if is_kept else ("summaries", "benchmarks", "digests"):
            history.connection.execute(f"delete from {table} where run_id = ?", [run_id])


def all_valid(state: Path) -> bool:
    """Say whether the load generator kept its plan in every load that a history holds."""
    with open_history(State(state).history_file) as history:
        row = history.connection.execute("select bool_and(valid) from benchmarks").fetchone()
    return row is not None and bool(row[0])
