"""A load generator that was the limit of one step spoils the figures of that step only."""

from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.judge import judge_run
from perf_pipeline.judging.publish import publish
from perf_pipeline.metrics.sample import Reading
from perf_pipeline.metrics.threshold import Status
from perf_pipeline.report.model import BenchmarkReport
from perf_pipeline.store.records import BenchmarkOutcome, RunKey, RunRecord
from perf_pipeline.store.series import SeriesName
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import Spool, complete, counts, sample
from perf_pipeline_tests.support.histories.verdicts import judged_spool

LEFT_OUT = "without scan, where the load generator was the limit"
STARVED = "scan: worker 0 stood still for 980 ms (limit 500 ms)"


def _profile(thresholds: dict[str, list[str]]) -> Profile:
    steps = {
        name: {
            "exec": "http_steps",
            "executor": "shared-iterations",
            "vus": 1,
            "iterations": 2,
            "step": step,
            "parameters": {"steps": [{"name": "get", "path": "/"}]},
        }
        for step, name in enumerate(("write", "scan"), 1)
    }
    benchmark = {"scenarios": steps, "thresholds": thresholds}
    return validate_profile({"name": "steps", "benchmarks": {"api": benchmark}}, "here")


def _outcome(*, everywhere: tuple[str, ...] = ()) -> BenchmarkOutcome:
    scan = replace(counts("scan", iterations=2), invalid_reasons=(STARVED,))
    whole = complete(counts("write", iterations=2), scan, valid=False)
    return replace(whole, invalid_reasons=(*everywhere, STARVED))


def _spooled(state: Path, outcome: BenchmarkOutcome, profile: Profile, run_id: str = "r1") -> Path:
    spool = Spool(
        run_id=run_id,
        samples=[
            *(sample(ms, scenario="write") for ms in (10.0, 20.0)),
            *(sample(ms, scenario="scan") for ms in (15.0, 900.0)),
        ],
        readings=[Reading(2_000_000, "host", "host_memory_percent", 50.0)],
        outcome=replace(outcome, load_hash="l"),
    )
    folder = spool.write(State(state).spool)
    record = RunRecord.from_json((folder / "run.json").read_text())
    made_with = replace(record, profile_json=profile.as_json, config_hash=profile.config_hash)
    (folder / "run.json").write_text(made_with.to_json())
    return folder


def _stored(state: Path, outcome: BenchmarkOutcome, profile: Profile, run_id: str = "r1") -> None:
    folder = _spooled(state, outcome, profile, run_id)
    with history_at(State(state).history_file) as history:
        history.ingest(folder, "api")
        history.summarise(RunKey(run_id, "api"), profile.benchmarks["api"].parsed_thresholds())


def _reported(state: Path, profile: Profile) -> tuple[BenchmarkReport, int]:
    judge_run(State(state), "r1", profile=profile)
    report = publish(State(state), "r1", profile=profile, expected=["api"])
    return report.benchmarks[0], int(report.exit_code)


def test_only_thresholds_on_the_starved_step_are_invalid(tmp_path: Path) -> None:
    profile = _profile(
        {
            "http_req_duration{scenario:write}": ["max<1000"],
            "http_req_duration{scenario:scan}": ["max<1000"],
            "http_req_failed": ["rate<0.01"],
        }
    )
    _stored(tmp_path, _outcome(), profile)
    found = {
        verdict.threshold.key: verdict
        for verdict in judge_run(State(tmp_path), "r1", profile=profile)["api"]
    }

    assert found["http_req_duration{scenario:write}"].status is Status.PASS
    assert found["http_req_duration{scenario:scan}"].status is Status.INVALID
    assert found["http_req_duration{scenario:scan}"].reason == STARVED
    # It is about all scenarios: those that kept up are judged, and the other one is named.
    assert found["http_req_failed"].status is Status.PASS
    assert found["http_req_failed"].reason == LEFT_OUT
    assert _reported(tmp_path, profile)[1] == 97


@pytest.mark.parametrize(
    ("key", "expression", "observed", "status"),
    [
        # 10 and 20 ms in `write`; 15 and 900 ms in `scan`, which the generator starved.
        ("http_req_duration", "max<1000", 20.0, Status.PASS),
        ("http_req_duration", "max<15", 20.0, Status.FAIL),
        ("http_reqs", "count>=2", 2.0, Status.PASS),
        # 2 requests in the 10 s that `write` was measured.
        ("http_reqs", "rate>0.1", 0.2, Status.PASS),
        ("host_memory_percent", "max<80", 50.0, Status.PASS),
    ],
)
def test_a_threshold_about_all_scenarios_is_judged_over_those_that_kept_up(
    key: str, expression: str, observed: float, status: Status, tmp_path: Path
) -> None:
    profile = _profile({key: [expression]})
    verdict = judged_spool(tmp_path, _spooled(tmp_path, _outcome(), profile), profile)[key]

    assert (verdict.observed, verdict.status, verdict.reason) == (observed, status, LEFT_OUT)


def test_a_starved_step_on_which_no_threshold_rests_is_told_and_fails_nothing(
    tmp_path: Path,
) -> None:
    profile = _profile({"http_req_duration{scenario:write}": ["max<1000"]})
    _stored(tmp_path, _outcome(), profile)
    benchmark, code = _reported(tmp_path, profile)

    assert (benchmark.valid, code) == (True, 0)
    assert benchmark.problems == (f"INVALID, but no threshold rests on it: {STARVED}",)


def test_a_reason_that_is_not_one_steps_alone_makes_everything_invalid(tmp_path: Path) -> None:
    profile = _profile({"http_req_duration{scenario:write}": ["max<1000"]})
    _stored(tmp_path, _outcome(everywhere=("the disk was full",)), profile)
    benchmark, code = _reported(tmp_path, profile)

    assert (benchmark.valid, code) == (False, 97)
    assert benchmark.verdicts[0].reason == "the disk was full"


def test_an_invalid_benchmark_of_an_older_spool_is_invalid_as_a_whole(tmp_path: Path) -> None:
    profile = _profile({"http_req_duration{scenario:write}": ["max<1000"]})
    old = complete(counts("write"), counts("scan"), valid=False)
    _stored(tmp_path, old, profile)

    benchmark, code = _reported(tmp_path, profile)

    assert code == 97
    assert benchmark.verdicts[0].reason == "schedule lag p99 was 120 ms"


def test_the_history_of_a_step_that_kept_up_goes_on_and_that_of_a_starved_one_does_not(
    tmp_path: Path,
) -> None:
    profile = _profile(
        {f"http_req_duration{{scenario:{name}}}": ["max<1000"] for name in ("write", "scan")}
    )
    _stored(tmp_path, _outcome(), profile, "r1")
    _stored(tmp_path, _outcome(everywhere=("the disk was full",)), profile, "r2")
    _stored(tmp_path, complete(counts("write"), counts("scan"), valid=False), profile, "r3")
    with history_at(State(tmp_path).history_file) as history:
        environment = history.run("r1").environment_id
        write, scan, overall = (
            SeriesName("api", "l", "http_req_duration", tags, "max")
            for tags in ("scenario:write", "scenario:scan", "")
        )
        series = history.series([write, scan, overall], profile="quick", environment_id=environment)

    assert [(point.run_id, point.value) for point in series[write].whole] == [("r1", 20.0)]
    assert series[scan].whole == ()
    assert series[overall].whole == ()
