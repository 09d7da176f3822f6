"""Histories whose runs are judged, as the end of a run leaves them, and what is in them.

Add here: another way to look at the rows of a run. Keep out: made-up figures
(synthetic_history.py).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perf_pipeline.judging.judge import judge_run
from perf_pipeline.store.bundles.parts import TABLES
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import MIXED
from perf_pipeline_tests.support.histories.synthetic_history import Made, add_runs
from perf_pipeline_tests.support.histories.verdicts import FAST, profile_with, stored

# What a history decides itself: the place of a run in its order, and whether samples are here.
_OF_THE_HISTORY = {"runs": "made_as", "benchmarks": "raw_kept"}


def add_judged(state: Path, runs: Sequence[Made]) -> list[str]:
    """Store made-up runs and judge them; give their ids."""
    run_ids = add_runs(state, runs)
    for run_id in run_ids:
        judge_run(State(state), run_id)
    return run_ids


def add_sampled(state: Path) -> str:
    """Store and judge a run with samples, scenarios, checks and iterations; give its id."""
    stored(state, MIXED.samples, profile_with(FAST))
    judge_run(State(state), "r1")
    return "r1"


def rows_of(state: Path, run_id: str) -> dict[str, list[tuple[Any, ...]]]:
    """Give all rows of a run by table, but for what each history decides itself."""
    found = {}
    with history_at(State(state).history_file) as history:
        for table in TABLES:
            left_out = _OF_THE_HISTORY.get(table, "")
            columns = f"* exclude ({left_out})" if left_out else "*"
            where = "" if table == "environments" else f"where run_id = '{run_id}'"
            statement = f"select {columns} from {table} {where} order by all"
            found[table] = history.connection.execute(statement).fetchall()
    return found
