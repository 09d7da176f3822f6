"""Store and compare made-up runs one after the other, as runs follow one another.

Their history is opened once for all of them, which takes half as long as twice for each run.
Add here: nothing. Keep out: made-up figures (synthetic_history.py), and assertions.
"""

from collections.abc import Sequence
from pathlib import Path

from perf_pipeline.analysis.baseline import Diff
from perf_pipeline.judging.compare import compare_in
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.stored_at_once import store_at_once
from perf_pipeline_tests.support.histories.synthetic_history import Made, made_at, spool


def compared_in_turn(state: Path, runs: Sequence[Made]) -> dict[str, list[tuple[str, Diff]]]:
    """Store and compare runs after those that are there; give what is told of each, by its id."""
    found = {}
    with history_at(State(state).history_file) as history:
        for number, made in enumerate(runs, len(history.run_ids()) + 1):
            run = made_at(made, number)
            spool(State(state).spool, run)
            store_at_once(history, [run])
            history.asked.forget()
            run_id = run.record.run_id
            found[run_id] = list(compare_in(history, run_id).told)
    return found
