"""A slower load machine beside a run is told from a slower system, by what was stored of it."""

from dataclasses import replace
from pathlib import Path

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.judging.compare import compare_run
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.synthetic_history import QUIET, add_runs, api_runs

WOBBLE = (10.0, 10.1, 9.9, 10.2, 9.8, 10.0, 10.1, 9.9)  # ms of the calibration, about 1.3 %


def _p95(state: Path, run_id: str) -> Diff:
    (found,) = [
        one
        for _, one in compare_run(State(state), run_id)
        if one.series.label == "http_req_duration p(95)" and one.pinned is None
    ]
    return found


def _history(state: Path, *, calibrated: bool) -> None:
    add_runs(
        state,
        [
            replace(made, machine_ms=machine_ms if calibrated else None)
            for made, machine_ms in zip(api_runs(*QUIET), WOBBLE, strict=True)
        ],
    )


def test_a_run_that_is_as_much_slower_as_its_machine_is_no_suspect(tmp_path: Path) -> None:
    _history(tmp_path, calibrated=True)

    (same,) = add_runs(tmp_path, [replace(api_runs(1.4 * 80.0)[0], machine_ms=14.0)])

    found = _p95(tmp_path, same)
    assert found.status is DiffStatus.OK
    assert found.reason.startswith("the machine itself was ")
    assert found.reason.endswith("slower than usual beside this run, which explains the figure")


def test_a_run_that_is_slower_beside_an_equally_fast_machine_is_suspect(tmp_path: Path) -> None:
    _history(tmp_path, calibrated=True)

    (slower,) = add_runs(tmp_path, [replace(api_runs(1.4 * 80.0)[0], machine_ms=10.0)])

    assert _p95(tmp_path, slower).status is DiffStatus.SUSPECT


def test_runs_of_before_the_calibration_are_judged_without_it(tmp_path: Path) -> None:
    _history(tmp_path, calibrated=False)

    (slower,) = add_runs(tmp_path, [replace(api_runs(1.4 * 80.0)[0], machine_ms=14.0)])

    assert _p95(tmp_path, slower).status is DiffStatus.SUSPECT
