"""A member of run.json or outcome.json that has another shape is told by its name."""

import json
from typing import Any

import pytest

from perf_pipeline.store.records import BenchmarkOutcome, RunRecord, ScenarioCounts

RUN = RunRecord(
    "r1", "quick", "{}", "c", 7, "local", "cli", "0.1", "2026-11-01T12:00:00Z", planned=("a",)
)
OUTCOME = BenchmarkOutcome(
    "api", "complete", "", 12.5, 10.0, scenarios=(ScenarioCounts("s", 9, 1, 0, 10, 0, 10_000_000),)
)
ODD: tuple[object, ...] = (
    None,
    True,
    1.5,
    float("nan"),
    10**30,
    "x",
    "\ud800",
    [],
    [1],
    {},
    {"a": [None]},
    {"\ud800": 1},
)


def changed(text: str, name: str, value: object) -> str:
    """Give a JSON object with one member changed."""
    members: dict[str, Any] = json.loads(text)
    return json.dumps(members | {name: value})


def ending(text: str, read: Any) -> str:
    """Read a record; give why it was refused, or nothing."""
    try:
        read(text)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", json.loads(RUN.to_json()))
def test_an_odd_member_of_run_json_is_read_or_named(name: str) -> None:
    told = [ending(changed(RUN.to_json(), name, value), RunRecord.from_json) for value in ODD]

    assert any(told)
    assert all(f"its {name} can't be " in problem for problem in told if problem)


@pytest.mark.parametrize("name", json.loads(OUTCOME.to_json()))
def test_an_odd_member_of_outcome_json_is_read_or_named(name: str) -> None:
    texts = [changed(OUTCOME.to_json(), name, value) for value in ODD]
    told = [ending(text, BenchmarkOutcome.from_json) for text in texts]

    assert any(told)
    assert all(
        f"its {name} can't be " in problem for problem in told if problem and name != "scenarios"
    )


@pytest.mark.parametrize("name", json.loads(OUTCOME.to_json())["scenarios"][0])
def test_an_odd_member_of_a_scenario_is_read_or_named(name: str) -> None:
    (row,) = json.loads(OUTCOME.to_json())["scenarios"]
    texts = [changed(OUTCOME.to_json(), "scenarios", [row | {name: value}]) for value in ODD]
    told = [ending(text, BenchmarkOutcome.from_json) for text in texts]

    assert any(told)
    assert all(f"its {name} can't be " in problem for problem in told if problem)


@pytest.mark.parametrize(
    ("record", "name", "value"),
    [
        (RUN, "seed", "7"),
        (RUN, "began_at", "yesterday"),
        (RUN, "planned", "api"),
        (OUTCOME, "status", "fine"),
        (OUTCOME, "wall_s", float("inf")),
        (OUTCOME, "valid", "yes"),
        (OUTCOME, "checks", []),
        (OUTCOME, "scenarios", [{"name": "s", "iterations": 1.5}]),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_no_column_takes_is_refused(record: Any, name: str, value: object) -> None:
    assert ending(changed(record.to_json(), name, value), type(record).from_json)


def test_an_object_in_too_many_others_is_a_sentence() -> None:
    assert ending("[" * 100_000, RunRecord.from_json) == "run.json is too deep to be read"
