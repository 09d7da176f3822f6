"""Runs are compared since the last confirmed change, with releases, and within one environment."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.config.loading import load_profile
from perf_pipeline.errors import ExitCode
from perf_pipeline.judging.compare import compare_run, compare_settled, compare_unsettled
from perf_pipeline.judging.notices import notices_of
from perf_pipeline.judging.publish import publish
from perf_pipeline.judging.reruns import reruns_of, settled
from perf_pipeline.judging.stored_comparison import store_comparison
from perf_pipeline.metrics.threshold import Status, parse_threshold
from perf_pipeline.store.baselines import BaselineRow, changes, decide
from perf_pipeline.store.comparison_rows import DiffRow
from perf_pipeline.store.history import History, open_history
from perf_pipeline.store.lineage import Lineage, store_judged
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.compared_in_turn import compared_in_turn
from perf_pipeline_tests.support.histories.synthetic_history import (
    API,
    END,
    QUIET,
    Made,
    add_runs,
    api_runs,
)

SLOW = 100.0
PIN = BaselineRow("2026-11-02T00:00:00+00:00", "pinned", "v1.4", "r008", "", "ada", "released")


def _p95(diffs: list[tuple[str, Diff]]) -> Diff:
    (found,) = [
        diff
        for _, diff in diffs
        if diff.series.label == "http_req_duration p(95)" and diff.pinned is None
    ]
    return found


def _statuses(state: Path, *p95_ms: float) -> list[DiffStatus]:
    """Store and compare run after run."""
    found = compared_in_turn(state, api_runs(*p95_ms))
    return [_p95(diffs).status for diffs in found.values()]


@dataclass(frozen=True, slots=True)
class Slower:
    """Hold a history of eight quiet runs and eight that are a quarter slower; nobody changes it."""

    state: Path
    statuses: list[DiffStatus]


@pytest.fixture(scope="module")
def slower(tmp_path_factory: pytest.TempPathFactory) -> Slower:
    state = tmp_path_factory.mktemp("slower") / "state"
    return Slower(state, _statuses(state, *QUIET, *[1.25 * value for value in QUIET]))


def test_a_regression_stays_one_until_its_level_is_known_and_is_then_the_new_normal(
    slower: Slower,
) -> None:
    learning, ok, bad = DiffStatus.LEARNING, DiffStatus.OK, DiffStatus.REGRESSED
    statuses = slower.statuses

    assert statuses[:8] == [learning] * 5 + [ok] * 3
    # five slow runs make the new level known; the sixth is compared with it
    assert statuses[8:] == [DiffStatus.SUSPECT, bad, bad, bad, bad, ok, ok, ok]
    with open_history(State(slower.state).history_file) as history:
        (gate,) = [
            row
            for row in changes(history)
            if row.found_by == "gate" and row.series.statistic == "p(95)"
        ]
        (dated,) = [
            row
            for row in changes(history)
            if row.found_by == "history" and row.series.statistic == "p(95)"
        ]
    # the median of QUIET is (80.0 + 80.0) / 2, that of slow 100.0
    assert (gate.run_id, gate.before) == ("r009", 80.0)
    assert (dated.run_id, dated.before, dated.after) == ("r009", 80.0, 100.0)
    assert dated.p_value is not None
    assert dated.p_value < 1e-9


def _fail(state: Path, run_id: str, key: str, expression: str, value: float) -> None:
    with open_history(State(state).history_file) as history:
        verdict = parse_threshold(key, expression).judge(value)
        assert verdict.status is Status.FAIL
        history.store_verdicts({RunKey(run_id, API): [verdict]})


@pytest.mark.parametrize(
    ("key", "expression", "value"),
    [
        ("http_req_failed", "rate<0.01", 0.71),
        ("target_answered", "rate>=0.95", 0.0),
        ("checks", "rate>0.99", 0.5),
        ("answered_beside_faults", "value>=0.95", 0.5),  # those of a benchmark with faults
        ("faults_unrecovered", "value==0", 1.0),
    ],
)
def test_a_run_in_which_the_target_failed_teaches_the_baseline_nothing(
    tmp_path: Path, key: str, expression: str, value: float
) -> None:
    *_, broken = add_runs(tmp_path, api_runs(*QUIET, 4.0))  # an error is answered at once
    _fail(tmp_path, broken, key, expression, value)

    (run_id,) = add_runs(tmp_path, api_runs(80.0))

    found = _p95(compare_run(State(tmp_path), run_id))
    assert (found.status, found.noise.n) == (DiffStatus.OK, 8)
    assert found.before == (DiffStatus.OK, DiffStatus.OK)


def test_a_run_that_was_only_too_slow_counts_among_the_runs_before(tmp_path: Path) -> None:
    *_, slow = add_runs(tmp_path, api_runs(*QUIET, SLOW))
    _fail(tmp_path, slow, "http_req_duration", "p(95)<90", SLOW)

    (run_id,) = add_runs(tmp_path, api_runs(SLOW))

    assert _p95(compare_run(State(tmp_path), run_id)).status is DiffStatus.REGRESSED


def test_a_threshold_on_p50_joins_the_series_of_the_median(slower: Slower, tmp_path: Path) -> None:
    """The confirmed change of `med` is also where the baseline of `p(50)` begins."""
    state = tmp_path / "state"
    shutil.copytree(slower.state, state)
    named = load_profile(
        "quick",
        {
            f"benchmarks.{API}.thresholds": {"http_req_duration": ["p(50)<500"]},
            "baseline.pinned": [
                {
                    "benchmark": API,
                    "metric": "http_req_duration",
                    "statistic": "p(50)",
                    "value": 800,
                }
            ],
        },
    )
    (run_id,) = add_runs(state, [Made({API: SLOW}, profile=named)])

    diffs = [diff for _, diff in compare_run(State(state), run_id)]

    (median,) = [diff for diff in diffs if diff.series.statistic == "med" and diff.pinned is None]
    # the eight slow runs, and none of the eight before them
    assert (median.noise.n, median.status) == (8, DiffStatus.OK)
    (pinned,) = [diff for diff in diffs if diff.pinned is not None]
    assert (pinned.series.label, pinned.value) == ("http_req_duration med", SLOW / 2)
    assert not any("p(50)" in diff.series.label for diff in diffs)


def test_a_what_if_with_other_settings_leaves_no_change_point(tmp_path: Path) -> None:
    ids = add_runs(tmp_path, api_runs(*QUIET, SLOW, SLOW))
    other = load_profile("quick", {"baseline": {"alpha": 0.01}})

    assert _p95(compare_run(State(tmp_path), ids[-1], profile=other)).status is DiffStatus.REGRESSED
    with open_history(State(tmp_path).history_file) as history:
        assert changes(history) == []
    compare_run(State(tmp_path), ids[-1])
    with open_history(State(tmp_path).history_file) as history:
        assert {row.run_id for row in changes(history) if row.found_by == "gate"} == {"r009"}


def test_a_pinned_release_finds_the_drift_that_history_follows(tmp_path: Path) -> None:
    drift = [80.0 * 1.008**run for run in range(1, 13)]  # 0.8 % a run, about one sd of noise
    add_runs(tmp_path, api_runs(*QUIET))
    with open_history(State(tmp_path).history_file) as history:
        decide(history, PIN)
    *_, last = add_runs(tmp_path, api_runs(*drift))

    diffs = compare_run(State(tmp_path), last)

    (release,) = [diff for _, diff in diffs if diff.against and diff.series.statistic == "p(95)"]
    assert (release.status, release.against, release.pinned) == (
        DiffStatus.REGRESSED,
        "v1.4",
        80.0,
    )
    assert _p95(diffs).status in {DiffStatus.OK, DiffStatus.SUSPECT}
    with open_history(State(tmp_path).history_file) as history:
        notices = notices_of(history, last)
        kinds = {row.baseline_kind for _, row in history.diffs(last)}
    assert "pinned release v1.4: 3 series compared, 3 worse" in notices
    assert kinds == {"history", "pinned", "release"}


def test_a_release_in_line_is_stored_and_told_in_one_line(tmp_path: Path) -> None:
    add_runs(tmp_path, api_runs(*QUIET))
    with open_history(State(tmp_path).history_file) as history:
        decide(history, PIN)
    (run_id,) = add_runs(tmp_path, api_runs(80.3))

    diffs = compare_run(State(tmp_path), run_id)

    assert not [diff for _, diff in diffs if diff.against]
    with open_history(State(tmp_path).history_file) as history:
        assert notices_of(history, run_id) == ["pinned release v1.4: 3 series compared, none worse"]


def test_another_environment_is_named_field_by_field_and_starts_a_history(tmp_path: Path) -> None:
    before = {"cpu": "two cores", "postgres.version": "17.1"}
    after = {"cpu": "two cores", "postgres.version": "18.4"}
    ids = add_runs(
        tmp_path,
        [
            *(replace(made, environment=before) for made in api_runs(*QUIET)),
            *(replace(made, environment=after) for made in api_runs(SLOW, SLOW)),
        ],
    )

    assert _p95(compare_run(State(tmp_path), ids[8])).status is DiffStatus.LEARNING
    with open_history(State(tmp_path).history_file) as history:
        (notice,) = notices_of(history, ids[8])
        assert notices_of(history, ids[9]) == []
    assert notice.startswith(
        "the environment changed since run r008 (postgres.version: 17.1 -> 18.4);"
    )


def test_suspects_that_are_others_at_every_run_withhold_the_gate(tmp_path: Path) -> None:
    profile = load_profile("quick")
    quiet = [Made({API: value, END: value}, profile=profile) for value in QUIET]
    api, end = [Made({API: a, END: e}, profile=profile) for a, e in ((SLOW, 80), (80, SLOW))]
    *_, first, second = add_runs(tmp_path, [*quiet, api, end])

    before = [diff.status for name, diff in compare_run(State(tmp_path), first) if name == API]
    now = [diff for name, diff in compare_run(State(tmp_path), second) if name == END]

    assert before.count(DiffStatus.SUSPECT) >= 2
    changed = [diff for diff in now if diff.status is DiffStatus.ENVIRONMENT_CHANGED]
    assert len(changed) >= 2
    assert changed[0].reason.startswith("the run before had other suspects")


def test_runs_whose_gate_is_withheld_in_a_row_are_counted_from_the_first_on(
    tmp_path: Path,
) -> None:
    profile = load_profile("quick")
    quiet = [Made({API: value, END: value}, profile=profile) for value in QUIET]
    api, end = [Made({API: a, END: e}, profile=profile) for a, e in ((SLOW, 80), (80, SLOW))]
    *_, last_quiet, first, second, third = add_runs(tmp_path, [*quiet, api, end, api])
    state = State(tmp_path)
    for run_id in (last_quiet, first, second):
        compare_run(state, run_id)

    report = publish(state, third)

    assert report.withheld is not None
    assert (report.withheld.in_a_row, report.withheld.since) == (2, second)
    assert not report.withheld.ends_with_failure
    failing = publish(state, third, on_environment_changed="fail").withheld
    assert failing is not None
    assert failing.ends_with_failure
    assert publish(state, first).withheld is None


def test_suspects_that_are_the_same_again_regress_however_their_tags_are_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "tagged.toml"
    path.write_text(
        'extends = "quick"\nname = "tagged"\n[benchmarks.api_user_creation.thresholds]\n'
        '"http_req_duration{scenario:create_users,operation:create_user}" = '
        '["p(95)<500", "med<500"]\n'
    )
    tags = {"scenario": "create_users", "operation": "create_user"}  # not in the letters' order
    profile = load_profile(str(path))
    made = [Made({API: value}, profile=profile, tags=tags) for value in (*QUIET, SLOW, SLOW)]
    *_, first, second = add_runs(tmp_path / "state", made)

    before = [diff.status for _, diff in compare_run(State(tmp_path / "state"), first)]
    now = {diff.status for _, diff in compare_run(State(tmp_path / "state"), second)}

    assert before.count(DiffStatus.SUSPECT) >= 2
    assert DiffStatus.REGRESSED in now
    assert DiffStatus.ENVIRONMENT_CHANGED not in now


@pytest.fixture(scope="module")
def suspected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a state with eight quiet runs and a slow one, r009, that was compared with them."""
    state = tmp_path_factory.mktemp("suspected") / "state"
    *_, suspect = add_runs(state, api_runs(*QUIET, SLOW))
    assert _p95(compare_run(State(state), suspect)).status is DiffStatus.SUSPECT
    return state


@pytest.fixture
def state(suspected: Path, tmp_path: Path) -> Path:
    """Give a copy of that state."""
    return Path(shutil.copytree(suspected, tmp_path / "state"))


def test_two_reruns_in_line_settle_a_suspect(state: Path) -> None:
    suspect = "r009"
    rerun = replace(api_runs(80.0)[0], trigger="confirm")
    add_runs(state, [replace(rerun, run_id=f"{suspect}-c1")])
    compare_run(State(state), f"{suspect}-c1")
    assert _p95(compare_run(State(state), suspect)).status is DiffStatus.SUSPECT
    add_runs(state, [replace(rerun, run_id=f"{suspect}-c2")])
    compare_run(State(state), f"{suspect}-c2")

    settled = _p95(compare_run(State(state), suspect))
    assert settled.status is DiffStatus.OK
    assert settled.reason == "the first run differed from the baseline, but 2 re-runs did not"
    with open_history(State(state).history_file) as history:
        assert notices_of(history, suspect)[0].startswith(
            "suspect benchmarks were run again 2 times (r009-c1, r009-c2)"
        )


def _again(state: Path, run_id: str, *p95_ms: float) -> None:
    """Store and compare re-runs of a run, as `perf-pipeline run` does."""
    for number, made in enumerate(api_runs(*p95_ms), 1):
        rerun = replace(made, trigger="confirm", run_id=f"{run_id}-c{number}")
        add_runs(state, [rerun])
        compare_run(State(state), rerun.run_id)


def test_a_change_that_reruns_take_back_is_no_change_of_the_gate(state: Path) -> None:
    made = api_runs(SLOW)
    [second] = add_runs(state, made)
    # 2 of 3 are out of line; this is stored for the re-runs, which are still to come.
    with open_history(State(state).history_file) as history:
        unsettled = compare_settled(history, second, made[0].profile)
        store_comparison(history, second, made[0].profile, unsettled, is_settled=False)
        assert _p95(list(unsettled.told)).status is DiffStatus.REGRESSED
    _again(state, second, 80.0, 79.5)

    settled = _p95(compare_run(State(state), second))

    assert settled.status is DiffStatus.OK
    with open_history(State(state).history_file) as history:
        assert [row for row in changes(history) if row.found_by == "gate"] == []


def test_a_change_that_was_stored_before_reruns_took_it_back_is_deleted(state: Path) -> None:
    [second] = add_runs(state, api_runs(SLOW))
    compare_run(State(state), second)  # as `show` does while the re-runs are made
    _again(state, second, 80.0, 79.5)

    assert _p95(compare_run(State(state), second)).status is DiffStatus.OK

    with open_history(State(state).history_file) as history:
        assert [row for row in changes(history) if row.found_by == "gate"] == []


def test_a_change_that_an_earlier_run_shows_as_well_stays(state: Path) -> None:
    _again(state, "r009", SLOW, SLOW)
    compare_run(State(state), "r009")  # 3 of 5: its own re-runs confirm the change
    _, second = add_runs(state, api_runs(80.0, SLOW))
    assert _p95(compare_run(State(state), second)).status is DiffStatus.REGRESSED
    _again(state, second, 80.0, 79.5)

    assert _p95(compare_run(State(state), second)).status is DiffStatus.OK

    with open_history(State(state).history_file) as history:
        assert {row.run_id for row in changes(history) if row.found_by == "gate"} == {"r009"}


@pytest.mark.parametrize(
    ("again", "status"),
    [
        ((80.0, 79.5), DiffStatus.SUSPECT),
        # Timeouts are slow: 3 of 5 are out of line, as if nothing had failed.
        ((SLOW, SLOW), DiffStatus.REGRESSED),
    ],
    ids=["in-line", "slow"],
)
def test_a_rerun_whose_target_failed_counts_only_against_a_run(
    state: Path, again: tuple[float, float], status: DiffStatus
) -> None:
    _again(state, "r009", *again)
    for number in (1, 2):
        _fail(state, f"r009-c{number}", "http_req_failed", "rate<0.01", 0.02)

    found = _p95(compare_run(State(state), "r009"))

    assert found.status is status
    is_98 = publish(State(state), "r009").exit_code is ExitCode.REGRESSED
    assert is_98 is (status is DiffStatus.REGRESSED)
    with open_history(State(state).history_file) as history:
        assert notices_of(history, "r009")[1].startswith(
            "re-run r009-c1 of api_user_creation failed http_req_failed, so that it settles nothing"
        )


def test_a_failed_rerun_in_line_is_one_of_the_runs_of_which_most_must_be_worse(state: Path) -> None:
    _again(state, "r009", SLOW, 80.0)
    _fail(state, "r009-c2", "http_req_failed", "rate<0.01", 0.02)
    with open_history(State(state).history_file) as history:
        alone = compare_unsettled(history, "r009", api_runs(SLOW)[0].profile)
        one_before = replace(_p95(list(alone.told)), before=(DiffStatus.OK,))

        decided = settled(reruns_of(history, "r009"), API, one_before)

    assert decided.status is DiffStatus.SUSPECT
    assert decided.reason.startswith("2 of 4 runs are out of line")  # not 2 of 3


def test_an_absent_release_is_told_only_where_it_may_be_of_the_profile(tmp_path: Path) -> None:
    others = Made({API: 80.0}, profile=load_profile("full"))
    quick, full = add_runs(tmp_path, [*api_runs(80.0), others])
    unknown = ("NOTHING", "if it is of profile")

    def told(history: History) -> list[tuple[bool, ...]]:
        found = ["\n".join(notices_of(history, run_id)) for run_id in (quick, full)]
        return [tuple(word in notices for word in unknown) for notices in found]

    with open_history(State(tmp_path).history_file) as history:
        decide(history, replace(PIN, run_id="gone"))
        before = told(history)
        # A comparison of the quick run rests on it, so it is of that profile.
        row = DiffRow(*("http_reqs", "", "rate", 1.0, "release", 1, 1.0), *(0.0,) * 4, "OK")
        store_judged(history, quick, [(API, row, Lineage("v1.4", ("gone",), "", "", ""))])

        assert before == [(True, True), (True, True)]
        assert told(history) == [(True, False), (False, False)]


def test_a_regression_is_confirmed_by_more_than_half_of_all_runs(state: Path) -> None:
    suspect = "r009"
    _again(state, suspect, SLOW)

    one_rerun = _p95(compare_run(State(state), suspect))

    # itself and a re-run, and the two before were in line: 2 of 4
    assert one_rerun.status is DiffStatus.SUSPECT
    with open_history(State(state).history_file) as history:
        assert [row for row in changes(history) if row.found_by == "gate"] == []
    add_runs(state, [replace(api_runs(SLOW)[0], trigger="confirm", run_id=f"{suspect}-c2")])
    compare_run(State(state), f"{suspect}-c2")

    settled = _p95(compare_run(State(state), suspect))

    assert settled.status is DiffStatus.REGRESSED
    # all three are 100 ms against a median of 80 ms
    assert settled.reason.startswith(
        "3 of 5 runs are out of line in the bad direction, with 2 re-runs r009-c1, r009-c2; "
        "the 3 runs together +25.0 % (+"
    )
    with open_history(State(state).history_file) as history:
        assert {row.run_id for row in changes(history) if row.found_by == "gate"} == {suspect}


def test_two_of_five_runs_do_not_confirm_a_regression(state: Path) -> None:
    suspect = "r009"
    _again(state, suspect, 80.0, SLOW)

    settled = _p95(compare_run(State(state), suspect))

    assert settled.status is DiffStatus.SUSPECT
    assert settled.reason == (
        "2 of 5 runs are out of line, with 2 re-runs r009-c1, r009-c2, and a regression takes more "
        "than half"
    )


def test_a_regression_by_a_run_before_is_undone_by_re_runs_in_line(tmp_path: Path) -> None:
    add_runs(tmp_path, api_runs(*QUIET, SLOW))
    (second,) = add_runs(tmp_path, api_runs(SLOW))
    assert _p95(compare_run(State(tmp_path), second)).status is DiffStatus.REGRESSED
    _again(tmp_path, second, 80.0, 80.0)

    settled = _p95(compare_run(State(tmp_path), second))

    assert settled.status is DiffStatus.OK
    assert settled.changed_since is None
