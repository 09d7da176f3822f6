"""What a benchmark that is stored finds in the history of itself: nothing, or all that it replaces.

Add here: another thing that may lie there. Keep out: a spool that is worse than what it would
replace (test_ingest.py).
"""

from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.errors import StoreError
from perf_pipeline.store.history import memory_history, open_history
from perf_pipeline.store.sample_tables import SAMPLE_TABLES
from perf_pipeline_tests.support.histories.spool import KEY, MIXED


def test_a_row_of_a_benchmark_that_was_never_stored_is_refused_once_it_is(tmp_path: Path) -> None:
    # Tables that an ingest leaves alone are not looked at then, neither to be emptied nor sealed:
    # what lies there all the same is told, and not believed.
    with open_history(tmp_path / "history.duckdb") as history:
        history.connection.execute(
            "insert into costs values (?, ?, 'database', 'query', 'select', 1.0, 1)",
            [KEY.run_id, KEY.benchmark],
        )
        history.ingest(MIXED.write(tmp_path / "spool"), KEY.benchmark)
        with pytest.raises(StoreError, match="table costs has .* 1 rows, and 0 were written"):
            history.outcomes(KEY.run_id)


def test_samples_of_a_benchmark_that_was_never_stored_are_not_counted(tmp_path: Path) -> None:
    spool, samples = MIXED.write(tmp_path / "spool"), len(MIXED.samples)
    with memory_history() as other, open_history(tmp_path / "history.duckdb") as history:
        other.ingest(spool, KEY.benchmark)
        for table in SAMPLE_TABLES:
            rows = other.connection.execute(f"from {table}").fetchall()
            places = ", ".join("?" * len(rows[0]))
            history.connection.executemany(f"insert into {table} values ({places})", rows)
        ingested = history.ingest(spool, KEY.benchmark)

    assert ingested.samples == samples


def test_rows_whose_kind_was_lost_are_no_samples_of_what_comes_next(tmp_path: Path) -> None:
    with open_history(tmp_path / "history.duckdb") as history:
        history.ingest(MIXED.write(tmp_path / "spool"), KEY.benchmark)
        history.connection.execute("delete from sample_kinds")
        second = replace(MIXED, run_id="r2").write(tmp_path / "spool")
        ingested = history.ingest(second, KEY.benchmark)
        stored = history.connection.execute("select count(*) from samples").fetchone()

    assert stored == (ingested.samples,) == (len(MIXED.samples),)


def test_a_benchmark_that_is_stored_again_keeps_nothing_of_before(tmp_path: Path) -> None:
    spool = MIXED.write(tmp_path / "spool")
    with open_history(tmp_path / "history.duckdb") as history:
        history.ingest(spool, KEY.benchmark)
        first = history.summarise(KEY)
        history.ingest(spool, KEY.benchmark)
        between = history.summaries(KEY.run_id)
        again = history.summarise(KEY)

    assert between == []
    assert again == first
    assert first
