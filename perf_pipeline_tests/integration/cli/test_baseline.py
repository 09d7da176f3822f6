"""Baselines, changes, lineage, two runs side by side and the back-test, from the command line."""

import getpass
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from perf_pipeline.cli.main import main
from perf_pipeline.config.loading import load_profile
from perf_pipeline.judging.compare import compare_run
from perf_pipeline.judging.notices import notices_of
from perf_pipeline.metrics.threshold import parse_threshold
from perf_pipeline.store.history import open_history
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.synthetic_history import (
    API,
    END,
    QUIET,
    Made,
    add_runs,
    api_runs,
)

SLOW = [1.25 * value for value in QUIET]


def add_compared(folder: Path, *p95_ms: float) -> None:
    """Store runs, each compared before the next one comes."""
    for made in api_runs(*p95_ms):
        compare_run(State(folder), *add_runs(folder, [made]))


@pytest.fixture(scope="module")
def slow_twice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make eight quiet runs, and two that are 25 % slower and were compared as they came."""
    folder = tmp_path_factory.mktemp("slow_twice") / "state"
    add_runs(folder, api_runs(*QUIET))
    add_compared(folder, *SLOW[:2])
    return folder


@pytest.fixture(scope="module")
def compared(slow_twice: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make eight quiet runs, and eight slower ones: five were compared as they came, and the last.

    The gate's new level is that of five runs; the history dates the change when all are there.
    """
    folder = shutil.copytree(slow_twice, tmp_path_factory.mktemp("compared") / "state")
    add_compared(folder, *SLOW[2:5])
    *_, last = add_runs(folder, api_runs(*SLOW[5:]))
    compare_run(State(folder), last)
    return folder


@pytest.fixture
def state(compared: Path, tmp_path: Path) -> Path:
    """Give a copy of these runs that a test may change."""
    return shutil.copytree(compared, tmp_path / "state")


def call(state: Path, *arguments: str) -> Result:
    """Call the command line and expect success."""
    result = CliRunner().invoke(main, ["--state", str(state), *arguments])
    assert result.exit_code == 0, result.output
    return result


def refused(state: Path, *arguments: str) -> tuple[int, str]:
    """Call the command line and give its exit code and words."""
    result = CliRunner().invoke(main, ["--state", str(state), *arguments])
    return result.exit_code, result.output


def test_a_decision_is_listed_with_who_and_why_and_whether_it_holds(state: Path) -> None:
    user = getpass.getuser()
    pinned = call(state, "baseline", "pin", "r008", "--name", "v1.4", "--reason", "November")
    accepted = call(state, "baseline", "accept", "r009", "--reason", "TLS costs that much")
    call(state, "baseline", "unpin", "v1.4", "--reason", "superseded by v1.5")

    listed = call(state, "baseline", "list").output.splitlines()

    assert pinned.output == f"pinned v1.4: run r008, by {user}: November\n"
    assert accepted.output == (
        f"accepted from run r009 on, by {user}: TLS costs that much (3 series)\n"
    )
    assert [line.split()[2:6] for line in listed[1:4]] == [
        ["pinned", "v1.4", "r008", user],
        ["accepted", "every", "metric", "r009"],
        ["unpinned", "v1.4", "r008", user],
    ]
    assert [word for line in listed[1:4] for word in ("yes", "no") if f"  {word}  " in line] == [
        "no",
        "yes",
        "no",
    ]


def test_what_was_accepted_is_the_normal_of_the_next_run_at_once(
    slow_twice: Path, tmp_path: Path
) -> None:
    state = shutil.copytree(slow_twice, tmp_path / "state")
    (before,) = add_runs(state, api_runs(SLOW[2]))
    assert "REGRESSED" in call(state, "compare", before).output

    call(state, "baseline", "accept", "r009", "--reason", "we want it so")

    output = call(state, "compare", before).output
    assert "REGRESSED" not in output
    assert "LEARNING" in output


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("pin", "r099", "--name", "v1", "--reason", "x"), 104, "'r099' is not in the history"),
        (("pin", "r001", "--name", "v1"), 104, "Missing option '--reason'"),
        (("pin", "r001", "--name", " ", "--reason", "x"), 104, "'--name': it is empty"),
        (
            ("unpin", "v7", "--reason", "x"),
            104,
            "there is no pinned release 'v7'\n  the pinned releases are: none",
        ),
        (
            ("accept", "r001", "--metric", "db_queries", "--reason", "x"),
            104,
            "run r001 was not compared by 'db_queries'\n  it was compared by http_req_duration",
        ),
    ],
    ids=["unknown-run", "no-reason", "blank-name", "unknown-release", "unknown-metric"],
)
def test_a_decision_that_cannot_be_made_is_refused_in_words(
    tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    add_runs(tmp_path, api_runs(80.0))

    seen, output = refused(tmp_path, "baseline", *arguments)

    assert words in output
    assert seen == code


def test_a_run_that_measured_nothing_valid_cannot_be_a_baseline(tmp_path: Path) -> None:
    add_runs(tmp_path, [replace(api_runs(80.0)[0], valid=False)])

    _, output = refused(tmp_path, "baseline", "pin", "r001", "--name", "v1", "--reason", "x")

    assert "run r001 has no benchmark that was completed and is valid" in output


@pytest.mark.parametrize("decision", [("pin", "r001", "--name", "v1"), ("accept", "r001")])
def test_a_run_that_failed_is_no_baseline_and_nobody_is_told_it_were(
    tmp_path: Path, decision: tuple[str, ...]
) -> None:
    add_runs(tmp_path, api_runs(80.0))
    failed = parse_threshold("http_req_failed", "rate<0.01").judge(0.2)
    with State(tmp_path).history() as history:
        history.store_verdicts({RunKey("r001", API): [failed]})

    seen, output = refused(tmp_path, "baseline", *decision, "--reason", "x")

    assert "run r001 failed http_req_failed, and figures of a target that fails" in output
    assert seen == 104


def test_a_benchmark_that_failed_is_told_to_be_no_part_of_a_release_or_a_normal(
    tmp_path: Path,
) -> None:
    both = Made({API: 80.0, END: 50.0})
    add_runs(tmp_path, [both])
    failed = parse_threshold("http_req_failed", "rate<0.01").judge(0.2)
    with State(tmp_path).history() as history:
        history.store_verdicts({RunKey("r001", END): [failed]})

    pinned = call(tmp_path, "baseline", "pin", "r001", "--name", "v1", "--reason", "x")
    accepted = call(tmp_path, "baseline", "accept", "r001", "--reason", "x")

    told = f"!! not part of it: {END} of run r001 failed http_req_failed, and figures of a target"
    assert told in pinned.output
    assert told in accepted.output
    later = add_runs(tmp_path, [both, *api_runs(80.0)])
    missed = f"pinned release v1 is run r001, whose {END} failed http_req_failed, so NOTHING of"
    with State(tmp_path).history() as history:
        found = ["\n".join(notices_of(history, run_id)) for run_id in ("r001", *later)]
    assert [missed in notices for notices in found] == [False, True, False]


def test_a_release_has_the_level_of_its_run_and_not_of_slower_runs_before(tmp_path: Path) -> None:
    # Eight runs around 80 ms, and a version of 60 ms that is pinned: 80 ms are a third more.
    add_compared(tmp_path, *QUIET, 60.0)
    pinned = call(tmp_path, "baseline", "pin", "r009", "--name", "v2", "--reason", "faster")

    # Median, p(95) and p(99) are all out of line with the eight runs.
    assert (
        "!! out of line with the 8 runs before it: the release is this run alone in 3 series "
        f"({API} http_req_duration"
    ) in pinned.output
    add_compared(tmp_path, 60.5, *QUIET[:2])

    with State(tmp_path).history() as history:
        found = {
            run_id: [
                (row.status, row.baseline_median)
                for _, row in history.diffs(run_id)
                if (row.baseline_kind, row.statistic) == ("release", "p(95)")
            ]
            for run_id in ("r010", "r011", "r012")
        }
    assert found == {
        "r010": [("OK", 60.0)],
        "r011": [("SUSPECT", 60.0)],
        "r012": [("REGRESSED", 60.0)],
    }


def test_a_run_that_regressed_is_listed_as_one(slow_twice: Path) -> None:
    lines = call(slow_twice, "list").output.splitlines()
    ended = {line.split()[0]: line for line in lines}
    listed = json.loads(call(slow_twice, "list", "--json").output)

    # Median, p(95) and p(99) of the second run that is 25 % slower.
    assert ended["r010"].endswith("none judged; 3 series REGRESSED")
    assert ended["r008"].endswith("none judged")
    assert [run["regressed"] for run in listed][:3] == [3, 0, 0]


def test_changes_are_listed_with_both_levels_and_who_found_them(state: Path) -> None:
    lines = call(state, "changes").output.splitlines()

    gate, dated = (line for line in lines if "p(95)" in line)
    assert gate.split() == [
        *("r009", API, "http_req_duration", "p(95)", "80", "ms"),
        *("99.5", "ms", "gate"),
    ]
    assert dated.split()[:9] == [
        *("r009", API, "http_req_duration", "p(95)", "80", "ms"),
        *("100", "ms", "history"),
    ]


def test_lineage_names_the_runs_the_configuration_and_the_code(state: Path) -> None:
    call(state, "baseline", "pin", "r008", "--name", "v1.4", "--reason", "x")
    call(state, "compare", "r016")
    config = load_profile("quick").config_hash

    output = call(state, "lineage", "r016").output

    assert f"run r016: profile quick, configuration {config}, perf_pipeline" in output
    assert "[1] r009 r010 r011 r012 r013 r014 r015" in output
    assert "[2] r001 r002 r003 r004 r005 r006 r007 r008" in output
    release = next(line for line in output.splitlines() if "p(95)" in line and "v1.4" in line)
    assert "8 [2]" in release
    assert "REGRESSED" in release


def test_lineage_of_a_run_that_was_not_compared_says_what_to_do(tmp_path: Path) -> None:
    add_runs(tmp_path, api_runs(80.0))

    code, output = refused(tmp_path, "lineage", "r001")

    assert (code, output) == (
        104,
        (
            "perf-pipeline: run r001 has not been compared yet\n"
            "  `perf-pipeline compare r001` does it\n"
        ),
    )


def test_two_runs_of_other_profiles_and_machines_are_compared_with_what_differs(
    state: Path,
) -> None:
    other = Made(
        {API: 110.0, END: 50.0},
        profile=load_profile("full"),
        environment={"cpu": "eight cores"},
    )
    add_runs(state, [other])

    output = call(state, "compare", "r008", "r017").output

    assert "environments differ: cpu: two cores -> eight cores" in output
    assert "only run r017 has end_to_end" in output
    assert f"the load of {API} differs: scenarios.create_users.parameters.thinkTime:" in output
    row = next(line for line in output.splitlines() if "p(95)" in line)
    # 110 / 79.4 - 1 = 38.5 %, far outside of the noise of A's likes
    assert row.split()[:8] == [
        API,
        "http_req_duration",
        "p(95)",
        "79.4",
        "ms",
        "110",
        "ms",
        "+38.5",
    ]
    assert row.rstrip().endswith("SUSPECT")


def test_two_runs_that_nothing_differs_between_have_only_figures(tmp_path: Path) -> None:
    add_runs(tmp_path, api_runs(80.0, 100.0))

    lines = call(tmp_path, "compare", "r001", "r002").output.splitlines()

    assert [line[:11] for line in lines[:3]] == ["A: run r001", "B: run r002", "benchmark  "]
    assert lines[3].rstrip().endswith("LEARNING")  # two likes tell no noise


def test_the_backtest_tells_false_alarms_and_what_was_caught(state: Path) -> None:
    output = call(state, "backtest").output

    assert "16 runs, 2 series (without percentiles from 99 on)" in output
    # sixteen runs, five of them learning
    assert "false alarms: 0.0 per 100 runs (0 of 11 judged runs, so at most 23.8 with" in output
    assert "finds: 2, of which the gate caught 2, in the median at run 2" in output
    assert "made 50 % worse, 2 times; 100 % found by the third run" in output
    assert "one run shows a series in the middle becoming 6 % worse" in output
    assert (
        f"alarm: run r010 {API} http_req_duration p(95) +26.3 %: a real change of level" in output
    )


def test_a_backtest_with_other_settings_changes_nothing_but_its_answer(state: Path) -> None:
    output = call(state, "backtest", "--alpha", "0.001", "--min-effect", "0.3").output

    assert "alpha 0.001, changes from 30 % on" in output
    assert "finds: 2, of which the gate caught 0" in output
    with open_history(state / "history.duckdb") as history:
        assert any(row.status == "REGRESSED" for _, row in history.diffs("r010"))


def test_a_backtest_without_runs_or_with_five_says_so(tmp_path: Path) -> None:
    add_runs(tmp_path, api_runs(*QUIET[:5]))

    assert "all of them are LEARNING" in call(tmp_path, "backtest").output
    code, output = refused(tmp_path, "backtest", "--profile", "full")
    assert (code, "there is no run of profile full in" in output) == (104, True)


def test_a_run_that_is_no_whole_measurement_is_named_beside_its_figures(tmp_path: Path) -> None:
    runs = api_runs(80.0, 300.0)
    add_runs(tmp_path, [runs[0], replace(runs[1], valid=False)])

    output = call(tmp_path, "compare", "r001", "r002").output

    assert f"{API} of run r002 was not measured completely: invalid" in output
