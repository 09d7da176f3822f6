"""Jobs, outcomes, progress, secrets and the state table of looping VUs."""

import json
from pathlib import Path

import pytest

from perf_pipeline.config.executors.registry import read_executor
from perf_pipeline.engine.job import (
    LoadJob,
    ScenarioJob,
    ScenarioOutcome,
    load_job_from_json,
    secrets_of_sides,
)
from perf_pipeline.engine.loading import load_workload
from perf_pipeline.engine.operation_count import OperationCount
from perf_pipeline.engine.planned import NOTHING_PLANNED, planned_now
from perf_pipeline.engine.progress import PartProgress, ScenarioProgress, chosen, merge_progress
from perf_pipeline.engine.vus import TRANSITIONS, LoopInput, LoopState
from perf_pipeline.errors import ProfileError

EXECUTORS = [
    {"executor": "constant-vus", "vus": 3, "duration": "1m30s", "startTime": "250ms"},
    {"executor": "ramping-vus", "stages": [{"duration": "0s", "target": 7}]},
    {"executor": "constant-arrival-rate", "rate": 7, "duration": "9s", "preAllocatedVUs": 2},
    {
        "executor": "ramping-arrival-rate",
        "stages": [{"duration": "1.5s", "target": 7}],
        "preAllocatedVUs": 2,
        "maxVUs": 9,
        "timeUnit": "1m",
    },
    {"executor": "per-vu-iterations", "vus": 3, "iterations": 4, "gracefulStop": "0s"},
    {"executor": "shared-iterations", "vus": 3, "iterations": 4, "maxDuration": "1s"},
]


def test_a_job_survives_its_way_through_json(tmp_path: Path) -> None:
    scenarios = tuple(
        ScenarioJob(f"s{n}", read_executor(e), "m:C", {"a": [1, {"b": None}]}, 5)
        for n, e in enumerate(EXECUTORS)
    )
    job = LoadJob("run", "benchmark", "main", tmp_path, 7, 2, scenarios)

    assert load_job_from_json(json.loads(json.dumps(job.to_json()))) == job


def test_each_side_of_a_comparison_gets_its_own_secrets() -> None:
    plan = read_executor(EXECUTORS[0])
    one, other = (ScenarioJob("s", plan, "m:C", {}, side=side) for side in range(2))
    both = secrets_of_sides([{"dsn": "old", "env:KEY": "k"}, {"dsn": "new", "env:KEY": "k"}])

    assert one.secrets_among(both) == {"dsn": "old", "env:KEY": "k"}
    assert other.secrets_among(both) == {"dsn": "new", "env:KEY": "k"}
    assert ScenarioJob("s", plan, "m:C", {}).secrets_among({"dsn": "any"}) == {"dsn": "any"}


def test_shares_of_a_scenario_add_up() -> None:
    one = ScenarioOutcome("s", 1, 2, 3, 100, 200, 10, 1, 1)
    two = ScenarioOutcome("s", 10, 20, 30, 90, 210, 20, 5, 5)

    assert one.plus(two) == ScenarioOutcome("s", 11, 22, 33, 90, 210, 30, 6, 6)


def test_progress_adds_up_what_each_worker_did_in_its_own_last_second() -> None:
    """One worker's report is of 1.5 s and the other's of 0.5 s: each says its own rate."""
    parts = [
        PartProgress("a", active=1, iterations=30, dropped=1, ok=29, failed=1, per_s=499.0),
        PartProgress("a", active=2, iterations=20, dropped=2, ok=20, per_s=501.0, lag_us=1_500),
    ]
    planned = dict.fromkeys(("a", "b"), NOTHING_PLANNED)

    assert merge_progress(parts, planned) == (
        ScenarioProgress("a", 3, 50, 3, 49, 1, 1_000.0, recent_lag_ms=1.5),
        ScenarioProgress("b", 0, 0, 0, 0, 0, 0.0),
    )


def test_ways_of_failing_stand_in_the_json_of_the_progress() -> None:
    parts = [
        PartProgress("a", failed=3, ways={"refused": 3}),
        PartProgress("a", failed=3, ways={"refused": 2, "status 500": 1}),
    ]

    [found] = merge_progress(parts, {"a": NOTHING_PLANNED})

    assert json.loads(json.dumps(found.as_json()))["ways"] == {"refused": 5, "status 500": 1}


def test_durations_that_nobody_takes_do_not_grow() -> None:
    count = OperationCount()
    for duration_us in range(60_000):
        count.ok += 1
        count.durations_us.append(duration_us)

    assert count.take_durations_us() == (60_000, list(range(10_000, 60_000)))
    assert count.take_durations_us() == (0, [])


def test_the_percentiles_of_the_moment_are_over_the_operations_of_all_workers() -> None:
    """Of 90 of 1 ms and 10 of 9 ms the 95th is 9 ms; the second worker names every tenth only."""
    parts = [
        PartProgress("a", durations=90, durations_us=[1_000] * 90),
        PartProgress("a", durations=10, durations_us=[9_000]),
    ]

    [found] = merge_progress(parts, {"a": NOTHING_PLANNED})
    [without] = merge_progress(parts[:1], {"a": NOTHING_PLANNED})

    assert (found.recent_p50_ms, found.recent_p95_ms, found.recent_p99_ms) == (1.0, 9.0, 9.0)
    assert (without.recent_p50_ms, without.recent_p99_ms) == (1.0, 1.0)


def test_a_busy_worker_weighs_as_much_as_it_did() -> None:
    """Of 19,000 of 1 ms and 500 of 9 ms, 2.6 % took 9 ms: the 95th is 1 ms, the 99th is 9 ms."""
    parts = [
        PartProgress("a", durations=19_000, durations_us=chosen([1_000] * 19_000)),
        PartProgress("a", durations=500, durations_us=chosen([9_000] * 500)),
    ]

    [found] = merge_progress(parts, {"a": NOTHING_PLANNED})

    assert (found.recent_p95_ms, found.recent_p99_ms) == (1.0, 9.0)
    assert sum(len(part.durations_us) for part in parts) <= 400


@pytest.mark.parametrize("every", [2, 5, 10])
def test_operations_that_take_turns_are_all_among_those_that_are_chosen(every: int) -> None:
    """Every second, fifth or tenth of 20,000 takes 9 ms, and so do as many of the 200."""
    durations_us = [1_000 if number % every else 9_000 for number in range(20_000)]

    few = chosen(durations_us)

    assert len(few) <= 200
    assert few.count(9_000) / len(few) == pytest.approx(1 / every, rel=0.25)


def test_a_number_of_iterations_is_done_when_its_pace_says_so_and_not_after_its_longest_time() -> (
    None
):
    """50 of 300 in the first second: 250 are left, which takes 5 s, and not the 600 s allowed."""
    quota = read_executor({"executor": "shared-iterations", "vus": 5, "iterations": 300})
    planned = {"a": planned_now(quota, 1_000_000)}
    parts = [PartProgress("a", active=5, iterations=50, per_s=50.0)]

    [found] = merge_progress(parts, planned)

    assert found.left_s == 5.0
    assert planned["a"].left_s == 599.0


@pytest.mark.parametrize(
    ("at_us", "per_s", "begins_in_s", "left_s"),
    [(1_000_000, 0.0, 1.0, 11.0), (7_000_000, 45.0, 0.0, 5.0), (14_000_000, 0.0, 0.0, 0.0)],
    ids=["before", "within", "after"],
)
def test_the_plan_of_a_moment_is_the_mean_of_its_last_second(
    at_us: int, per_s: float, begins_in_s: float, left_s: float
) -> None:
    """From 0/s to 100/s in 10 s from 2 s on: at 7 s 50/s, and 45/s in the mean since 6 s."""
    ramp = read_executor(
        {
            "executor": "ramping-arrival-rate",
            "startTime": "2s",
            "preAllocatedVUs": 2,
            "stages": [{"duration": "10s", "target": 100}],
        }
    )

    now = planned_now(ramp, at_us)

    assert (now.per_s, now.begins_in_s, now.left_s) == pytest.approx((per_s, begins_in_s, left_s))


@pytest.mark.parametrize("name", ["no_such_module:X", "json:NoSuchClass", "", "json"])
def test_a_workload_that_does_not_exist_is_named(name: str) -> None:
    with pytest.raises(ProfileError, match="can't be imported as 'module:Class'") as caught:
        load_workload(name)

    assert repr(name) in str(caught.value)


def test_a_looping_vu_is_launched_only_when_no_task_of_it_lives() -> None:
    launching = {pair for pair, (_, action) in TRANSITIONS.items() if action == "launch"}

    assert launching == {
        (LoopState.OFF, LoopInput.START),
        (LoopState.RESTARTING, LoopInput.ENDED),
    }


def test_every_living_state_knows_its_end() -> None:
    living = set(LoopState) - {LoopState.OFF}

    assert {state for state, happened in TRANSITIONS if happened is LoopInput.ENDED} == living
