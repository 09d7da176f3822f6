"""A slower load machine beside a run is told from a slower system, by what was stored of it."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.analysis.backtest import GateTally, tally
from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.judging.backtest import GateSettings, backtest
from perf_pipeline.judging.baselines import pin
from perf_pipeline.judging.compare import compare_in, compare_run
from perf_pipeline.judging.contrast import contrast
from perf_pipeline.judging.publish import publish, report_of
from perf_pipeline.store.baselines import changes
from perf_pipeline.store.history import open_history
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.compared_in_turn import compared_in_turn
from perf_pipeline_tests.support.histories.synthetic_history import (
    QUIET,
    Made,
    add_runs,
    api_runs,
)

WOBBLE = (10.0, 10.1, 9.9, 10.2, 9.8, 10.0, 10.1, 9.9)  # ms of the calibration, about 1.3 %


TIERS = ("db_query_duration", "message_delivery_duration", "message_processing_duration")


def _all_tiers(*p95_ms: float) -> list[Made]:
    """Make runs in which every tier takes as long, without a calibration."""
    return [replace(made, also=dict.fromkeys(TIERS, 1.0)) for made in api_runs(*p95_ms)]


def _p95(state: Path, run_id: str) -> Diff:
    return _p95_in(compare_run(State(state), run_id))


def _p95_in(diffs: list[tuple[str, Diff]]) -> Diff:
    (found,) = [
        diff
        for _, diff in diffs
        if diff.series.label == "http_req_duration p(95)" and diff.pinned is None
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
    assert found.reason.endswith("slower than usual during this run, which explains the figure")


def test_a_run_that_is_slower_beside_an_equally_fast_machine_is_suspect(tmp_path: Path) -> None:
    _history(tmp_path, calibrated=True)

    (slower,) = add_runs(tmp_path, [replace(api_runs(1.4 * 80.0)[0], machine_ms=10.0)])

    assert _p95(tmp_path, slower).status is DiffStatus.SUSPECT


def test_a_slower_machine_is_no_regression_against_a_release_either(tmp_path: Path) -> None:
    _history(tmp_path, calibrated=True)
    with open_history(State(tmp_path).history_file) as history:
        (newest,) = history.runs(1)
    pin(State(tmp_path), newest.run_id, name="v1", reason="released")

    slow = add_runs(tmp_path, [replace(made, machine_ms=14.0) for made in api_runs(112.0, 112.0)])
    worse = add_runs(tmp_path, [replace(made, machine_ms=10.0) for made in api_runs(112.0, 112.0)])

    assert [_against_v1(tmp_path, run_id) for run_id in (*slow, *worse)] == [
        DiffStatus.OK,
        DiffStatus.OK,
        DiffStatus.SUSPECT,
        DiffStatus.REGRESSED,
    ]


def _against_v1(state: Path, run_id: str) -> DiffStatus:
    with open_history(State(state).history_file) as history:
        (found,) = [
            row.diff.status
            for row in compare_in(history, run_id).compared
            if row.diff.against == "v1" and row.diff.series.label == "http_req_duration p(95)"
        ]
    return found


def test_two_runs_side_by_side_are_told_that_one_machine_was_slower(tmp_path: Path) -> None:
    _history(tmp_path, calibrated=True)
    slow, same = add_runs(
        tmp_path,
        [
            replace(made, machine_ms=ms)
            for made, ms in zip(api_runs(112, 80), (14, 10), strict=True)
        ],
    )

    found = contrast(State(tmp_path), same, slow)

    (told,) = [notice for notice in found.notices if "calibration" in notice]
    assert told.startswith("api_user_creation: the load machine itself was ")
    assert f"slower in run {slow} than in run {same}, by its calibration" in told
    assert {diff.status for _, diff in found.diffs} <= {DiffStatus.OK, DiffStatus.LEARNING}
    assert not [n for n in contrast(State(tmp_path), same, "r001").notices if "itself" in n]


def test_a_back_test_takes_out_what_the_calibration_says(tmp_path: Path) -> None:
    _history(tmp_path, calibrated=True)
    slow = [replace(made, machine_ms=14.0) for made in api_runs(112.0, 112.0)]
    add_runs(tmp_path, slow)

    (found,) = backtest(State(tmp_path), GateSettings())

    assert found.tally.alarms == ()


def test_a_back_test_leaves_the_history_to_others_while_it_replays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _history(tmp_path, calibrated=True)
    opened: list[int] = []

    def watched(*given: Any, **named: Any) -> GateTally:
        with open_history(tmp_path / "history.duckdb", wait_s=0) as history:
            opened.append(len(history.run_ids()))
        return tally(*given, **named)

    monkeypatch.setattr("perf_pipeline.judging.backtest.tally", watched)

    backtest(State(tmp_path), GateSettings())

    assert len(opened) == 1
    assert opened[0] > 5


def test_runs_of_before_the_calibration_are_judged_without_it(tmp_path: Path) -> None:
    _history(tmp_path, calibrated=False)

    (slower,) = add_runs(tmp_path, [replace(api_runs(1.4 * 80.0)[0], machine_ms=14.0)])

    assert _p95(tmp_path, slower).status is DiffStatus.SUSPECT


SLOW = [1.4 * value for value in QUIET]


@pytest.fixture(scope="module")
def slower(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, list[tuple[str, Diff]]]]:
    """Give a state with five runs on a machine that is slower for good, and what is told of them.

    Nobody changes it.
    """
    state = tmp_path_factory.mktemp("slower")
    add_runs(state, _all_tiers(*QUIET))
    return state, compared_in_turn(state, _all_tiers(*SLOW[:5]))


def test_five_runs_on_a_machine_that_is_slower_for_good_are_the_new_normal(
    slower: tuple[Path, dict[str, list[tuple[str, Diff]]]], tmp_path: Path
) -> None:
    made, compared = slower
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    held = [*compared]
    statuses = {_p95_in(diffs).status for diffs in compared.values()}

    assert statuses == {DiffStatus.ENVIRONMENT_CHANGED}
    report = publish(State(tmp_path), held[-1])
    assert report.withheld is not None
    assert (report.withheld.in_a_row, report.withheld.new_level) == (5, held[0])
    assert not report.withheld.ends_with_failure
    assert report_of(State(tmp_path), held[-1]).withheld == report.withheld
    with open_history(State(tmp_path).history_file) as history:
        (found,) = [
            row
            for row in changes(history)
            if row.found_by == "machine"
            and (row.series.metric, row.series.statistic) == ("http_req_duration", "p(95)")
        ]
    # QUIET has the median 80; the first five of it, slower by 1.4: 1.4 * 80.0
    assert (found.run_id, found.before, found.after) == (held[0], 80.0, 1.4 * 80.0)


def test_a_system_twice_as_slow_is_found_after_the_machine_changed(
    slower: tuple[Path, dict[str, list[tuple[str, Diff]]]], tmp_path: Path
) -> None:
    shutil.copytree(slower[0], tmp_path, dirs_exist_ok=True)

    (after,) = add_runs(tmp_path, _all_tiers(SLOW[5]))
    twice = add_runs(tmp_path, api_runs(224.0, 224.0))

    assert _p95(tmp_path, after).status is DiffStatus.OK
    found = [_p95(tmp_path, run_id).status for run_id in twice]
    assert found == [DiffStatus.SUSPECT, DiffStatus.REGRESSED]
