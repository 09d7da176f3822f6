"""A machine that is slower for good is the new baseline after five runs, and hides nothing then."""

from pathlib import Path

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.config.loading import load_profile
from perf_pipeline.judging.compare import compare_run
from perf_pipeline.store.baselines import changes
from perf_pipeline.store.history import open_history
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.synthetic_history import API, QUIET, Made, add_runs

TIERS = ("db_query_duration", "message_delivery_duration", "message_processing_duration")


def _compared(
    state: Path, *p95_ms: float, database: float = 1.0, machine_ms: float | None = None
) -> list[list[Diff]]:
    """Store and compare run after run, each with figures of four tiers."""
    profile = load_profile("quick")
    found, also = [], dict.fromkeys(TIERS, 1.0) | {TIERS[0]: database}
    for value in p95_ms:
        made = Made({API: value}, profile=profile, also=also, machine_ms=machine_ms)
        (run_id,) = add_runs(state, [made])
        diffs = compare_run(State(state), run_id)
        found.append([one for _, one in diffs if one.pinned is None])
    return found


def _statuses(runs: list[list[Diff]]) -> list[set[DiffStatus]]:
    return [{one.status for one in run if one.series.statistic == "p(95)"} for run in runs]


def test_five_runs_on_a_slower_machine_are_the_new_baseline(tmp_path: Path) -> None:
    _compared(tmp_path, *QUIET)

    slower = _compared(tmp_path, *(1.2 * value for value in QUIET[:5]))
    after = _compared(tmp_path, 1.2 * QUIET[5])
    twice = _compared(tmp_path, *(1.2 * value for value in QUIET[:2]), database=2)

    assert _statuses(slower) == [{DiffStatus.ENVIRONMENT_CHANGED}] * 5
    assert slower[0][0].reason.startswith("many unrelated metrics became worse together")
    assert _statuses(after) == [{DiffStatus.OK}]
    assert {one.noise.n for one in after[0]} == {5}
    with open_history(State(tmp_path).history_file) as history:
        rows = [row for row in changes(history) if row.found_by == "machine"]
    assert {row.run_id for row in rows} == {"r009"}
    assert len(rows) == len(after[0])
    # a database that is twice as slow is found at the second run, and nothing else
    regressed = {one.series.metric for one in twice[1] if one.status is DiffStatus.REGRESSED}
    assert regressed == {"db_query_duration"}


def test_a_machine_that_is_as_usual_is_not_made_responsible(tmp_path: Path) -> None:
    _compared(tmp_path, *QUIET, machine_ms=20.0)

    _compared(tmp_path, *(1.2 * value for value in QUIET[:6]), machine_ms=20.0)

    with open_history(State(tmp_path).history_file) as history:
        assert not [row for row in changes(history) if row.found_by == "machine"]
