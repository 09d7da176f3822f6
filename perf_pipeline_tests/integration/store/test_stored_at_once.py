"""Runs that tests make up have the rows that bringing in their spools would have written."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from perf_pipeline.store.history import History
from perf_pipeline.store.records import RunKey
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.stored_at_once import store_at_once
from perf_pipeline_tests.support.histories.synthetic_history import (
    API,
    END,
    Made,
    api_runs,
    made_at,
    spool,
)
from perf_pipeline_tests.support.histories.written import write_summaries

MADE = (
    *api_runs(80.0, 80.5, 79.5),
    Made(
        {API: 81.0, END: 95.5},
        valid=False,
        trigger="ci",
        tags={"operation": "create_user"},
        machine_ms=12.0,
        revision={"version": "v1"},
        machine={"cpu": "fast"},
        run_tags={"team": "shop"},
        also={"http_req_waiting": 0.5},
    ),
    replace(api_runs(79.0)[0], run_id="named"),
)
# When a row was written is not what was made up.
_LEFT_OUT = {
    "benchmarks": "exclude (ingested_at)",
    "digests": "replace (if(table_name = 'benchmarks', 0, digest) as digest)",
}


def _rows(history: History) -> dict[str, list[tuple[Any, ...]]]:
    tables = history.connection.execute("select table_name from duckdb_tables()").fetchall()
    return {
        table: history.connection.execute(
            f"select * {_LEFT_OUT.get(table, '')} from {table} order by all"
        ).fetchall()
        for (table,) in tables
    }


def test_runs_that_are_stored_at_once_are_as_if_their_spools_were_brought_in(
    tmp_path: Path,
) -> None:
    runs = [made_at(made, number) for number, made in enumerate(MADE, 1)]
    with history_at(tmp_path / "brought" / "history.duckdb") as history:
        for run in runs:
            folder = spool(tmp_path / "spool", run)
            for benchmark, summaries in run.summaries.items():
                history.ingest(folder, benchmark)
                key = RunKey(run.record.run_id, benchmark)
                write_summaries(history.connection, key, summaries)
        brought = _rows(history)
    with history_at(tmp_path / "at_once" / "history.duckdb") as history:
        store_at_once(history, runs)
        at_once = _rows(history)
        for run in runs:
            history.proof.require_run(run.record.run_id)

    assert len(at_once["benchmarks"]) == 6
    assert at_once == brought
