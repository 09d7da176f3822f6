"""Runs that are taken from files are there at once, also for who has asked for them before."""

from pathlib import Path

import duckdb
import pytest

from perf_pipeline.store import engines
from perf_pipeline.store.bundles.content import contents_of
from perf_pipeline.store.bundles.parts import write_parts
from perf_pipeline.store.bundles.taking import TakenRun, schema_version, take_runs
from perf_pipeline.store.records import BenchmarkOutcome
from perf_pipeline_tests.support.histories.judged_runs import add_judged
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.synthetic_history import api_runs


def given(folder: Path) -> tuple[TakenRun, list[BenchmarkOutcome]]:
    """Give a run of another history as files, and what was measured."""
    add_judged(folder / "anna", api_runs(80.0))
    with history_at(folder / "anna" / "history.duckdb") as hers:
        parts = write_parts(hers.connection, "r001", folder / "parts", with_raw=True)
        content = contents_of(hers.connection, ["r001"])["r001"]
        measured = hers.outcomes("r001")
    files = {part.table: part.path for part in parts}
    rows = {part.table: part.rows for part in parts}
    return TakenRun("r001", content, schema_version(), files, rows), measured


def test_a_run_that_was_asked_for_before_it_was_taken_is_there(tmp_path: Path) -> None:
    run, measured = given(tmp_path)

    with history_at(tmp_path / "ben" / "history.duckdb") as his:
        assert his.outcomes("r001") == []

        assert take_runs(his, [run], tmp_path / "newer") == {}

        assert his.outcomes("r001") == measured
        assert measured


@pytest.mark.parametrize("more", [0, 1])
def test_files_that_are_large_together_are_taken_by_all_threads(
    more: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = given(tmp_path)
    asked = "select current_setting('threads')"
    with duckdb.connect() as connection:
        everyone = connection.execute(asked).fetchone()  # what DuckDB takes by itself

    with history_at(tmp_path / "ben" / "history.duckdb") as his:
        together = sum(file.stat().st_size for file in run.files.values())
        monkeypatch.setattr(engines, "LARGE_BYTES", together + more)
        assert take_runs(his, [run], tmp_path / "newer") == {}
        taken_by = his.connection.execute(asked).fetchone()

    assert taken_by == ((1,) if more else everyone)
