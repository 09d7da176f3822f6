"""Read how fast each quantity of the benchmarks of a run grew.

Add here: another question about growth. Keep out: writing it (ingest.py does, from the spool).
"""

from typing import Final

from perf_pipeline.metrics.growth import GROWTH_COLUMNS, GrowthRecord
from perf_pipeline.store.history import History

_SELECT: Final = (
    f"select benchmark, {', '.join(GROWTH_COLUMNS)} from growth where run_id = ? "
    "order by benchmark, metric, part"
)


def growth_of(history: History, run_id: str) -> dict[str, list[GrowthRecord]]:
    """List what was watched in each benchmark of a run that tells what grows."""
    history.proof.require_rows([run_id], "growth")
    found: dict[str, list[GrowthRecord]] = {}
    for benchmark, *row in history.connection.execute(_SELECT, [run_id]).fetchall():
        found.setdefault(benchmark, []).append(GrowthRecord(*row))
    return found
