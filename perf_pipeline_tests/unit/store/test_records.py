"""Records of a run survive JSON, and damaged ones are named."""

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perf_pipeline.errors import PerfPipelineError
from perf_pipeline.store.records import BenchmarkOutcome, RunRecord, ScenarioCounts
from perf_pipeline.store.spool_records import read_outcome, read_run
from perf_pipeline.store.tags_text import read_tags, tags_text


def _run(environment: dict[str, str]) -> RunRecord:
    return RunRecord(
        "r1", "quick", "x = 1", "c", 7, "local", "cli", "0.1", "2026-11-01T12:00:00Z", environment
    )


def test_a_run_survives_json() -> None:
    run = _run({"cpu": "two cores"})

    assert RunRecord.from_json(run.to_json()) == run
    tagged = replace(run, tags={"env": "staging"})
    assert RunRecord.from_json(tagged.to_json()) == tagged


def test_an_outcome_survives_json_also_with_read_only_mappings() -> None:
    outcome = BenchmarkOutcome(
        "api",
        "stopped",
        "2026-11-01T12:00:00Z",
        12.5,
        10.0,
        valid=False,
        invalid_reasons=("CPU",),
        scenarios=(ScenarioCounts("create", 9, 1, 0, 10, 0, 10_000_000),),
        checks=MappingProxyType({"create_user": ("status is 201", "id")}),
        health=MappingProxyType({"schedule_lag_p99_ms": 0.4}),
    )

    assert BenchmarkOutcome.from_json(outcome.to_json()) == outcome


def test_the_environment_id_is_the_hash_of_its_canonical_json() -> None:
    # printf '{"a":"1","b":"2"}' | sha256sum
    assert _run({"b": "2", "a": "1"}).environment_id == "21f76dfbfe6dfe21"
    assert _run({"a": "1"}).environment_id != _run({"a": "2"}).environment_id


def test_tags_are_sorted_and_read_back_also_with_a_colon_in_the_value() -> None:
    tags = {"scenario": "read", "operation": "get:user"}

    assert tags_text(tags) == "operation:get:user,scenario:read"
    assert read_tags(tags_text(tags)) == tags
    assert read_tags("") == {}


@given(st.dictionaries(st.sampled_from(["operation", "scenario"]), st.text()))
@example({"operation": "GET /x?ids=1,2", "scenario": "a"})
@example({"operation": "a\\", "scenario": "b,"})
def test_tags_of_any_text_read_back(tags: dict[str, str]) -> None:
    assert read_tags(tags_text(tags)) == tags


def test_a_missing_run_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(PerfPipelineError, match=r"run\.json cannot be read.*\n.*inside the spool"):
        read_run(tmp_path)


def test_a_run_record_of_another_version_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"run_id": "r1", "colour": "red"}))

    with pytest.raises(PerfPipelineError, match="colour"):
        read_run(tmp_path)


@pytest.mark.parametrize("text", [None, "", '{"benchmark": "ap'], ids=["missing", "empty", "torn"])
def test_an_outcome_that_was_cut_off_is_none(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "outcome.json").write_text(text)

    assert read_outcome(tmp_path) is None


def test_an_outcome_of_another_version_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "outcome.json").write_text('{"benchmark": "api"}')

    with pytest.raises(PerfPipelineError, match="of another version"):
        read_outcome(tmp_path)
