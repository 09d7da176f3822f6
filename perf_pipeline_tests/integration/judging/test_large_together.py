"""Benchmarks of one opening that are large together are stored by all threads."""

from pathlib import Path

import duckdb
import pytest

from perf_pipeline.judging.ingest import ingest_in
from perf_pipeline.store import engines
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.half_runs import A, B, HalfRun
from perf_pipeline_tests.support.histories.new_history import history_at

THREADS = "select current_setting('threads')"


@pytest.mark.parametrize("more", [0, 1])
def test_a_run_that_is_large_only_altogether_is_stored_by_all_threads(
    more: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    HalfRun(tmp_path).begin().measure(A).measure(B)
    state = State(tmp_path)
    together = sum(file.stat().st_size for file in (state.spool / "r1").glob("*/*"))
    with duckdb.connect() as connection:
        everyone = connection.execute(THREADS).fetchone()  # what DuckDB takes by itself

    with history_at(tmp_path / "history.duckdb") as history:
        monkeypatch.setattr(engines, "LARGE_BYTES", together + more)
        done = ingest_in(history, state, "r1")
        stored_by = history.connection.execute(THREADS).fetchone()

    assert [key.benchmark for key, _ in done.stored] == [A, B]
    assert stored_by == ((1,) if more else everyone)
