"""A threshold on a growth is decided by all of its interval; an open one casts no other doubt."""

import csv
from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from perf_pipeline.analysis.finding import FindingStatus
from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.profile import Profile
from perf_pipeline.judging.evidence import findings_of_run
from perf_pipeline.judging.judge import judge_run
from perf_pipeline.metrics.growth import GROWTH_COLUMNS, GROWTH_FILE, GrowthRecord
from perf_pipeline.metrics.sample import Figure, Reading
from perf_pipeline.metrics.threshold import Status, Verdict
from perf_pipeline.store.records import RunKey, RunRecord
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.new_history import history_at
from perf_pipeline_tests.support.histories.spool import Spool, complete, counts, sample
from perf_pipeline_tests.support.histories.verdicts import judged_spool

MEMORY, LATENCY = "memory_growth_bytes_per_h", "latency_growth_ms_per_h"
# It grows by 3 an hour, or by 1 to 5.
API = GrowthRecord(MEMORY, "api", 120, 4.0, 100.0, 3.0, 1.0, 5.0, "grows", None)
LOAD = {
    "exec": "http_steps",
    "executor": "constant-arrival-rate",
    "rate": 10,
    "duration": "40s",
    "preAllocatedVUs": 5,
    "parameters": {"steps": [{"name": "create_user", "path": "/"}]},
}


def profile_with(metric: str, bound: str) -> Profile:
    benchmark = {"scenarios": {"create": LOAD}, "growth": {}, "thresholds": {metric: [bound]}}
    return validate_profile({"name": "grown", "benchmarks": {"api": benchmark}}, "here")


def spooled(state: Path, records: Sequence[GrowthRecord], profile: Profile) -> Path:
    """Leave a run in which these grew, the last of them fastest; give its folder."""
    figures = [Figure(row.metric, row.per_h, operation=row.part) for row in records]
    fastest = replace(figures[-1], operation="")
    folder = Spool(
        samples=[sample(5, status=200) for _ in range(100)],
        readings=[Reading(us, "host", "host_cpu_percent", 10.0) for us in (2_000_000, 3_000_000)],
        figures=[*figures, fastest],
        outcome=replace(complete(counts(iterations=100)), load_hash="l"),
    ).write(State(state).spool)
    with (folder / "api" / GROWTH_FILE).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([GROWTH_COLUMNS, *map(astuple, records)])
    record = RunRecord.from_json((folder / "run.json").read_text())
    made_with = replace(record, profile_json=profile.as_json, config_hash=profile.config_hash)
    (folder / "run.json").write_text(made_with.to_json())
    return folder


def judged(state: Path, records: Sequence[GrowthRecord], metric: str, bound: str) -> Verdict:
    """Judge one bound on a run in which these grew."""
    profile = profile_with(metric, bound)
    return judged_spool(state, spooled(state, records, profile), profile)[metric]


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ("value<6", "PASS"),
        ("value<4", "NO_DATA"),
        ("value<2", "NO_DATA"),
        ("value<1", "FAIL"),
        # 3 is 3, and 1 to 5 are neither this nor that.
        ("value==3", "NO_DATA"),
        ("value==2", "NO_DATA"),
        ("value!=2", "NO_DATA"),
        ("value!=6", "PASS"),
    ],
)
def test_a_bound_within_the_interval_is_not_decided(
    tmp_path: Path, bound: str, expected: str
) -> None:
    verdict = judged(tmp_path, [API], f"{MEMORY}{{part:api}}", bound)

    assert verdict.status == expected
    assert verdict.observed == 3.0


def test_without_a_part_all_of_the_system_count_and_the_load_generator_does_not(
    tmp_path: Path,
) -> None:
    unbounded = replace(API, part="worker", per_h=1.0, low_per_h=None, high_per_h=None)
    ours = replace(API, part="generator", per_h=90.0, low_per_h=80.0, high_per_h=100.0)

    assert judged(tmp_path / "one", [unbounded, API], MEMORY, "value<6").status is Status.NO_DATA
    assert judged(tmp_path / "two", [ours, API], MEMORY, "value<6").status is Status.PASS


def test_an_operation_may_have_the_name_of_the_load_generator(tmp_path: Path) -> None:
    slow = replace(API, metric=LATENCY, part="generator")

    assert slow.is_of_the_system
    assert judged(tmp_path, [slow], LATENCY, "value<1").status is Status.FAIL


def test_a_growth_that_nobody_can_tell_yet_says_nothing_against_other_readings(
    tmp_path: Path,
) -> None:
    profile = profile_with(MEMORY, "value<4")
    folder = spooled(tmp_path, [API], profile)
    with history_at(State(tmp_path).history_file) as history:
        history.ingest(folder, "api")
        history.summarise(RunKey("r1", "api"), profile.benchmarks["api"].all_thresholds())
    verdicts = judge_run(State(tmp_path), "r1", profile=profile)["api"]
    assert {v.threshold.key: v.status for v in verdicts}[MEMORY] is Status.NO_DATA

    found = {finding.rule: finding for _, finding in findings_of_run(State(tmp_path), "r1")}

    assert found["host CPU"].status is FindingStatus.OK
