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
)
from perf_pipeline.engine.loading import load_workload
from perf_pipeline.engine.progress import PartProgress, ScenarioProgress, merge_progress
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


def test_shares_of_a_scenario_add_up() -> None:
    one = ScenarioOutcome("s", 1, 2, 3, 100, 200, 10, 1, 1)
    two = ScenarioOutcome("s", 10, 20, 30, 90, 210, 20, 5, 5)

    assert one.plus(two) == ScenarioOutcome("s", 11, 22, 33, 90, 210, 30, 6, 6)


def test_progress_adds_the_workers_up_and_gives_the_recent_rate() -> None:
    parts = [
        PartProgress("a", active=1, iterations=30, dropped=1, ok=29, failed=1),
        PartProgress("a", active=2, iterations=20, dropped=2, ok=20),
    ]

    # 50 iterations now, 10 at the report before, 2 s ago: 20/s.
    assert merge_progress(["a", "b"], parts, before={"a": 10}, span_s=2.0) == (
        ScenarioProgress("a", 3, 50, 3, 49, 1, 20.0),
        ScenarioProgress("b", 0, 0, 0, 0, 0, 0.0),
    )


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
