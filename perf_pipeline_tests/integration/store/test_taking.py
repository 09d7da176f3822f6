"""Runs that are taken from files are there at once, also for who has asked for them before."""

from pathlib import Path

from perf_pipeline.store.bundles.content import contents_of
from perf_pipeline.store.bundles.parts import write_parts
from perf_pipeline.store.bundles.taking import TakenRun, schema_version, take_runs
from perf_pipeline_tests.support.histories.judged_runs import add_judged
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.synthetic_history import api_runs


def test_a_run_that_was_asked_for_before_it_was_taken_is_there(tmp_path: Path) -> None:
    add_judged(tmp_path / "anna", api_runs(80.0))
    with history_at(tmp_path / "anna" / "history.duckdb") as hers:
        parts = write_parts(hers.connection, "r001", tmp_path / "parts", with_raw=True)
        content = contents_of(hers.connection, ["r001"])["r001"]
        measured = hers.outcomes("r001")
    files = {part.table: part.path for part in parts}
    rows = {part.table: part.rows for part in parts}
    run = TakenRun("r001", content, schema_version(), files, rows)

    with history_at(tmp_path / "ben" / "history.duckdb") as his:
        assert his.outcomes("r001") == []

        assert take_runs(his, [run], tmp_path / "newer") == {}

        assert his.outcomes("r001") == measured
        assert measured
