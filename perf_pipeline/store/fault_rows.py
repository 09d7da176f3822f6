"""Read the faults that were injected while the benchmarks of a run were loaded.

Add here: another question about faults. Keep out: writing them (ingest.py does, from the spool).
"""

from typing import Final

from perf_pipeline.metrics.faults import FAULT_COLUMNS, FaultRecord
from perf_pipeline.store.history import History

_COLUMNS: Final = ", ".join(FAULT_COLUMNS)
_SELECT: Final = (
    f"select benchmark, {_COLUMNS} from faults where run_id = ? order by benchmark, injected_us"
)


def faults_of(history: History, run_id: str) -> dict[str, list[FaultRecord]]:
    """List the faults of each benchmark of a run, in the order of their begin."""
    history.proof.require_rows([run_id], "faults")
    found: dict[str, list[FaultRecord]] = {}
    for benchmark, *row in history.connection.execute(_SELECT, [run_id]).fetchall():
        found.setdefault(benchmark, []).append(FaultRecord(*row))
    return found
