"""A suspect benchmark is run again in the same session, and 2 of 3 runs give the verdict."""

import threading
from pathlib import Path
from typing import Final

import pytest

from perf_pipeline.analysis.baseline import DiffStatus
from perf_pipeline.config.loading import load_profile
from perf_pipeline.errors import ExitCode
from perf_pipeline.report.model import RunReport
from perf_pipeline.runs.lineage import lineage_of
from perf_pipeline.runs.pipeline import run_pipeline
from perf_pipeline.runs.publish import latest_run
from perf_pipeline.runs.session import history_of
from perf_pipeline.store.history import open_history
from perf_pipeline_tests import conftest

TINY: Final = Path(__file__).with_name("runs_tiny.toml")
CREATION: Final = "api_user_creation"
# Six earlier runs of the same kind with the same noise, in which everything took a tenth.
_CLONE_RUN: Final = """
insert into runs by name
select * replace ($clone as run_id, began_at - to_hours($hours) as began_at)
from runs where run_id = $run_id
"""
_CLONE_BENCHMARK: Final = """
insert into benchmarks by name select * replace ($clone as run_id)
from benchmarks where run_id = $run_id
"""
_CLONE_SUMMARIES: Final = """
insert into summaries by name
select * replace ($clone as run_id, median * $factor as median, p95 * $factor as p95)
from summaries where run_id = $run_id and metric = 'http_req_duration'
"""


def _run(state: Path, confirm: int) -> RunReport:
    return run_pipeline(
        load_profile(str(TINY)),
        state=state,
        say=lambda _: None,
        stop=threading.Event(),
        only=[CREATION],
        confirm=confirm,
    )


def _plant_a_faster_past(state: Path, run_id: str) -> None:
    with open_history(history_of(state)) as history:
        for number in range(1, 7):
            given = {"run_id": run_id, "clone": f"past{number}"}
            history.connection.execute(_CLONE_RUN, {**given, "hours": number})
            history.connection.execute(_CLONE_BENCHMARK, given)
            history.connection.execute(_CLONE_SUMMARIES, {**given, "factor": 0.1 + number / 10_000})
        history.connection.execute("delete from summaries where run_id = ?", [run_id])
        history.connection.execute("delete from benchmarks where run_id = ?", [run_id])


@pytest.mark.timeout(180)
def test_a_suspect_is_run_again_and_confirmed_within_one_command(tmp_path: Path) -> None:
    (tmp_path / "cache").symlink_to(conftest.state() / "cache", target_is_directory=True)
    _plant_a_faster_past(tmp_path, _run(tmp_path, confirm=0).run_id)

    report = _run(tmp_path, confirm=2)

    rerun = f"{report.run_id}-c1"
    confirmed = {
        one.series.label: one.reason
        for name, one in report.diffs
        if name == CREATION and one.status is DiffStatus.REGRESSED
    }
    assert set(confirmed) >= {"http_req_duration p(95)"}
    assert all(reason.endswith(f"with re-run {rerun}") for reason in confirmed.values())
    assert report.exit_code is ExitCode.REGRESSED
    assert any(f"1 time ({rerun})" in notice for notice in report.notices)
    assert latest_run(tmp_path) == report.run_id
    with open_history(history_of(tmp_path)) as history:
        assert history.run(rerun).trigger == "confirm"
        assert history.run(rerun).environment == history.run(report.run_id).environment
    origins = {
        tuple(origin.baseline_run_ids)
        for _, row, origin in lineage_of(tmp_path, rerun).comparisons
        if row.status == "REGRESSED"
    }
    assert origins == {tuple(f"past{number}" for number in range(6, 0, -1))}
