"""A question to a history in a file, with all of its answer.

Add here: nothing. Keep out: questions of one test.
"""

from pathlib import Path

from perf_pipeline.store.history import open_history
from perf_pipeline.store.snapshot import LIMIT_S, Parameters, Rows, open_answer


def query_snapshot(
    path: Path,
    sql: str,
    parameters: Parameters = (),
    *,
    wait_s: float = 30.0,
    limit_s: float = LIMIT_S,
) -> tuple[list[str], Rows]:
    """Ask as `perf-pipeline sql` does, on a private copy of it; return columns and rows."""
    with open_answer(path, sql, parameters, wait_s=wait_s, limit_s=limit_s) as answer:
        return answer.columns, [row for batch in answer.batches for row in batch]


def rows_in(path: Path, sql: str) -> Rows:
    """Ask the history itself: a copy takes five times the CPU."""
    with open_history(path, read_only=True) as history:
        return history.connection.execute(sql).fetchall()
