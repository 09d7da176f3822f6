"""A target that gets slower and slower under a steady load never passes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.judging.judge import judge_run
from perf_pipeline.metrics.sample import Outcome, Sample
from perf_pipeline.store.history import open_history
from perf_pipeline.store.proof import seal
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.sample_tables import SAMPLE_TABLES, delete_samples
from perf_pipeline.store.state import State
from perf_pipeline_tests.support.histories.spool import sample
from perf_pipeline_tests.support.histories.verdicts import judged, profile_with, stored

LAX: Mapping[str, list[object]] = {"http_req_duration": ["p(95)<100000"]}
FIRMER: Mapping[str, list[object]] = {"http_req_duration": ["p(75)<300"]}


def answers(ms: Callable[[int], float], count: int = 100) -> list[Sample]:
    """Give operations that start 10 ms apart and take `ms` of their number."""
    return [sample(ms(n), status=200, started_us=1_000_000 + 10_000 * n) for n in range(count)]


def steps(*medians_ms: float) -> Callable[[int], float]:
    """Let each fifth of 100 operations take one time."""
    return lambda number: medians_ms[number // 20]


@pytest.mark.parametrize(
    ("ms", "thresholds", "expected"),
    [
        (steps(5, 5, 5, 5, 5), LAX, "PASS"),
        (steps(5, 20, 80, 320, 1_280), LAX, "WARN"),
        # Of 100 operations 80 keep the bound; those of the last fifth do not.
        (steps(5, 20, 80, 200, 1_280), FIRMER, "NO_DATA"),
        # Three times and 20 ms; less is noise, and so is what comes back.
        (steps(10, 15, 20, 25, 30), LAX, "WARN"),
        (steps(10, 15, 20, 25, 29), LAX, "PASS"),
        (steps(1, 2, 4, 8, 16), LAX, "PASS"),
        (steps(5, 20, 80, 320, 5), LAX, "PASS"),
        (steps(1_280, 320, 80, 20, 5), LAX, "PASS"),
        (steps(5, 20, 80, 80, 1_280), LAX, "PASS"),
        (steps(5, 20, 80, 200, 1_280), {"http_reqs": ["count>1"]}, "PASS"),
        (steps(5, 20, 80, 320, 1_280), {"http_req_duration": ["p(95)<1"]}, "FAIL"),
    ],
)
def test_medians_that_rise_from_fifth_to_fifth_withdraw_a_pass(
    tmp_path: Path,
    ms: Callable[[int], float],
    thresholds: Mapping[str, list[object]],
    expected: str,
) -> None:
    (key,) = thresholds
    assert judged(tmp_path, answers(ms), thresholds)[key].status == expected


def test_the_reason_says_how_much_slower_it_became(tmp_path: Path) -> None:
    found = judged(tmp_path, answers(steps(5, 20, 80, 200, 1_280)), FIRMER)["http_req_duration"]

    assert found.reason == (
        "create_user of create became slower and slower: its median was 5 ms in the first fifth "
        "of the load and 1,280 ms in the last, which misses the bound: a longer load would not "
        "keep it"
    )


def test_operations_that_were_cut_off_count_with_what_they_had_waited(tmp_path: Path) -> None:
    """In a closed model the last answers are still under way when the load ends."""
    ends = answers(steps(5, 20, 80, 320, 1_280))
    cut = [replace(ending, outcome=Outcome.INTERRUPTED, status=0) for ending in ends[-5:]]

    found = judged(tmp_path, [*ends[:-20], *cut], LAX)["http_req_duration"]

    assert found.status == "WARN"


def test_a_pruned_run_that_is_judged_again_keeps_what_was_found(tmp_path: Path) -> None:
    profile = profile_with(LAX)
    stored(tmp_path, answers(steps(5, 20, 80, 320, 1_280)), profile)
    judge_run(State(tmp_path), "r1", profile=profile)
    with open_history(State(tmp_path).history_file) as history:
        delete_samples(history.connection, "true", {})
        history.connection.execute("update benchmarks set raw_kept = false")
        seal(history.connection, [RunKey("r1", "api")], (*SAMPLE_TABLES, "benchmarks"))

    (again,) = [
        verdict
        for verdict in judge_run(State(tmp_path), "r1")["api"]
        if verdict.threshold.key == "http_req_duration"
    ]
    assert again.status == "WARN"


def test_a_run_is_judged_by_a_profile_that_does_not_know_its_benchmark(tmp_path: Path) -> None:
    stored(tmp_path, answers(steps(5, 20, 80, 320, 1_280)), profile_with(LAX))
    other = validate_profile({"name": "other", "benchmarks": {}}, "here")

    assert judge_run(State(tmp_path), "r1", profile=other) == {"api": []}
