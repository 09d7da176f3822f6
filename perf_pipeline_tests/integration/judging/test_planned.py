"""What a run was to do is known to every later judgement, whatever became of it."""

import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.errors import ExitCode, ProfileError
from perf_pipeline.judging.asked import run_to_judge
from perf_pipeline.judging.judge import judge_run, recover_run
from perf_pipeline.judging.publish import publish
from perf_pipeline.metrics.threshold import Status
from perf_pipeline.report.model import BenchmarkStatus, RunReport
from perf_pipeline.report.terminal import render_terminal
from perf_pipeline.runs.pipeline import chosen
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.half_runs import TWO, A, B, HalfRun
from perf_pipeline_tests.support.histories.queries import rows_in


def states_of(report: RunReport) -> dict[str, BenchmarkStatus]:
    return {benchmark.name: benchmark.status for benchmark in report.benchmarks}


def flat(report: RunReport) -> str:
    return " ".join(render_terminal(report, 200).split())


@pytest.fixture(scope="module")
def half_stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a state whose run r1 measured A only and was stored; nobody changes it."""
    folder = tmp_path_factory.mktemp("half")
    HalfRun(folder, problems=["the target is down"]).begin().measure(A)
    recover_run(State(folder), "r1")
    return folder


@pytest.fixture
def half(half_stored: Path, tmp_path: Path) -> Path:
    """Give a copy of that state."""
    return Path(shutil.copytree(half_stored, tmp_path, dirs_exist_ok=True))


@pytest.fixture(scope="module")
def whole_stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a state whose run r0 measured all; nobody changes it."""
    folder = tmp_path_factory.mktemp("whole")
    HalfRun(folder, "r0").begin().measure(A).measure(B)
    recover_run(State(folder), "r0")
    return folder


@pytest.fixture
def whole(whole_stored: Path, tmp_path: Path) -> Path:
    """Give a copy of that state."""
    return Path(shutil.copytree(whole_stored, tmp_path, dirs_exist_ok=True))


def test_a_benchmark_that_never_began_stays_unmeasured_in_every_form(half: Path) -> None:
    report = publish(State(half), run_to_judge(State(half)))

    assert report.exit_code is ExitCode.NOT_MEASURED
    assert states_of(report) == {A: BenchmarkStatus.COMPLETED, B: BenchmarkStatus.NOT_RUN}
    suites = {
        suite.get("name"): suite.get("errors")
        for suite in ET.parse(report.paths["junit"]).getroot().iter("testsuite")  # noqa: S314 - our own
    }
    assert suites[B] == "4"  # that it ran, its two promises, and that the target answered
    summary = json.loads(Path(report.paths["json"]).read_text(encoding="utf-8"))
    assert f"http_req_failed{{benchmark:{B}}}" in summary["metrics"]
    for form in ("markdown", "html"):
        told = Path(report.paths[form]).read_text(encoding="utf-8")
        assert "NOT RUN" in told
        assert "NOT MEASURED" in told
    assert f"NOT RUN {B}: nothing was measured" in flat(report)
    assert "NOTICE the target is down" in flat(report)


def test_judging_again_gives_and_stores_no_data_for_it(half: Path) -> None:
    judged = judge_run(State(half), "r1")

    assert {name: {verdict.status for verdict in several} for name, several in judged.items()} == {
        A: {Status.PASS},
        B: {Status.NO_DATA},
    }
    stored = "select count(*) from verdicts where status = 'NO_DATA'"
    rows = rows_in(State(half).history_file, stored)
    assert rows == [(3,)]  # and that the target answered


def test_a_run_killed_before_anything_was_stored_is_the_last_run_and_not_measured(
    whole: Path,
) -> None:
    HalfRun(whole).begin()

    report = publish(State(whole), run_to_judge(State(whole)))

    assert report.run_id == "r1"
    assert report.exit_code is ExitCode.NOT_MEASURED
    assert set(states_of(report).values()) == {BenchmarkStatus.NOT_RUN}


def test_a_killed_benchmark_is_not_measured_before_and_after_its_samples_are_ingested(
    tmp_path: Path,
) -> None:
    HalfRun(tmp_path).begin().measure(A).measure(B, status=None)

    before = publish(State(tmp_path), run_to_judge(State(tmp_path)))
    recover_run(State(tmp_path), "r1")
    after = publish(State(tmp_path), run_to_judge(State(tmp_path)))

    assert before.exit_code is ExitCode.NOT_MEASURED
    assert set(states_of(before).values()) == {BenchmarkStatus.NOT_STORED}
    assert f"NOT STORED {B}: its measurements are in the spool" in flat(before)
    assert "`perf-pipeline ingest r1` stores it" in flat(before)
    assert after.exit_code is ExitCode.NOT_MEASURED
    assert states_of(after) == {A: BenchmarkStatus.COMPLETED, B: BenchmarkStatus.FAILED}
    verdicts = {
        benchmark.name: {verdict.status for verdict in benchmark.verdicts}
        for benchmark in after.benchmarks
    }
    assert verdicts == {A: {Status.PASS}, B: {Status.INVALID}}


def test_a_run_that_could_not_tell_the_history_is_not_forgotten_for_an_older_one(
    whole: Path,
) -> None:
    HalfRun(whole).begin(registers=False).measure(A)

    report = publish(State(whole), run_to_judge(State(whole)))

    assert report.run_id == "r1"
    assert states_of(report) == {A: BenchmarkStatus.NOT_STORED, B: BenchmarkStatus.NOT_RUN}


def test_a_stopped_run_stays_stopped_and_keeps_what_it_did_not_do(tmp_path: Path) -> None:
    HalfRun(tmp_path).begin().measure(A, status="stopped")
    recover_run(State(tmp_path), "r1")

    report = publish(State(tmp_path), "r1")

    assert report.exit_code is ExitCode.STOPPED
    assert states_of(report) == {A: BenchmarkStatus.STOPPED, B: BenchmarkStatus.NOT_RUN}


def test_a_whole_run_passes_when_it_is_judged_again(whole: Path) -> None:
    assert publish(State(whole), "r0").exit_code is ExitCode.OK


def test_a_whole_run_of_an_older_version_passes_when_it_is_judged_again(tmp_path: Path) -> None:
    HalfRun(tmp_path, planned=None).begin().measure(A).measure(B)
    recover_run(State(tmp_path), "r1")

    assert publish(State(tmp_path), "r1").exit_code is ExitCode.OK


def test_a_run_of_an_older_version_is_what_history_and_spool_have_of_it(tmp_path: Path) -> None:
    run = HalfRun(tmp_path, planned=None).begin().measure(A)
    recover_run(State(tmp_path), "r1")
    whole = publish(State(tmp_path), "r1")
    run.measure(B, status=None)

    half = publish(State(tmp_path), "r1")

    assert whole.exit_code is ExitCode.OK
    assert half.exit_code is ExitCode.NOT_MEASURED
    assert states_of(half)[B] is BenchmarkStatus.NOT_STORED


def test_what_another_profile_has_and_the_run_was_never_to_do_is_not_missing(
    tmp_path: Path,
) -> None:
    HalfRun(tmp_path, planned=(A,)).begin().measure(A)
    recover_run(State(tmp_path), "r1")
    switched_off = {
        f"benchmarks.{name}.enabled": False for name in load_profile("quick").benchmarks
    }
    other = load_profile(
        "quick",
        {**TWO, **switched_off, f"benchmarks.{A}.enabled": True, f"benchmarks.{B}.enabled": True},
    )

    report = publish(State(tmp_path), "r1", profile=other)

    assert report.exit_code is ExitCode.OK
    assert list(states_of(report)) == [A]
    assert (
        f"this run was asked to do only {A}; profile quick, which judges it here, also has {B}, "
        "about which this report says nothing"
    ) in report.notices


def test_a_what_if_keeps_what_the_run_was_to_do_and_stores_nothing(half: Path) -> None:
    query = "select benchmark, status from verdicts order by all"
    before = rows_in(State(half).history_file, query)
    other = load_profile("quick", {**TWO, "seed": 99})

    report = publish(State(half), "r1", profile=other)

    assert report.exit_code is ExitCode.NOT_MEASURED
    assert states_of(report)[B] is BenchmarkStatus.NOT_RUN
    assert rows_in(State(half).history_file, query) == before


def test_a_spool_folder_without_plan_and_benchmark_is_no_run(whole: Path) -> None:
    HalfRun(whole, "seeded", planned=None).begin(registers=False)
    (State(whole).spool / "torn").mkdir()
    (State(whole).spool / "torn" / "run.json").write_text('{"run_id": "to', encoding="utf-8")

    assert run_to_judge(State(whole)) == "r0"


def test_a_profile_in_which_all_is_switched_off_is_refused_before_any_load() -> None:
    switched_off = {
        f"benchmarks.{name}.enabled": False for name in load_profile("quick").benchmarks
    }
    profile = load_profile("quick", switched_off)

    with pytest.raises(ProfileError, match="every benchmark is switched off") as caught:
        chosen(profile, ())

    assert caught.value.exit_code is ExitCode.INVALID_CONFIGURATION
    assert chosen(profile, (B,)) == [B]
