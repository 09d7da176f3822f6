"""A target without a Redis: the cache is not measured, and nobody takes it for measured."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from perf_pipeline_tests.support.commands.command_line import CommandLine
from perf_pipeline_tests.support.places import new_state
from perf_pipeline_tests.support.servers.fine_server import fine_server

OTHERS: Final = (
    "api_user_creation",
    "api_mixed_operations",
    "database_benchmark",
    "queue_produce",
    "queue_consume",
    "end_to_end",
    "day_simulation",
)
OFF: Final = "\n".join(f"[benchmarks.{name}]\nenabled = false" for name in OTHERS)
PROFILE: Final = f"""
extends = "quick"
name = "pulse"
workers = 1
calibration = false
{OFF}
[benchmarks.cache_benchmark.scenarios.read_through]
duration = "1s"
warmUp = "0s"
[benchmarks.pulse.scenarios.beat]
exec = "http_steps"
executor = "constant-vus"
vus = 1
duration = "1s"
[[benchmarks.pulse.scenarios.beat.parameters.steps]]
name = "health"
path = "/health"
[benchmarks.pulse.thresholds]
http_reqs = ["count>0"]
"""
LEFT_OUT: Final = (
    "cache_benchmark is left out, because target local has no Redis; set PERF_REDIS_URL"
)
NEEDED: Final = "target local has no Redis, which the cache benchmark needs"


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    with fine_server() as base_url:
        yield base_url


@pytest.fixture
def command(tmp_path: Path, api: str) -> CommandLine:
    (tmp_path / "pulse.toml").write_text(PROFILE, encoding="utf-8")
    return CommandLine(new_state(tmp_path / "state"), {"PERF_BASE_URL": api})


@pytest.mark.timeout(180)
def test_a_whole_run_judges_the_rest_and_says_everywhere_what_it_went_without(
    command: CommandLine, tmp_path: Path
) -> None:
    answer = command("run", "--profile", str(tmp_path / "pulse.toml"))

    run_id = answer.run_id
    assert answer.code == command.code_of(run_id), answer.err + answer.out
    assert LEFT_OUT in answer.err
    assert command.sql("select distinct benchmark from verdicts") == [("pulse",)]
    assert command.value("select planned from runs") == ["pulse"]
    assert any(LEFT_OUT in notice for notice in command.value("select notices from runs"))
    reports = command.state / "reports" / run_id
    for name in ("report.md", "report.html"):
        assert "cache_benchmark is left out" in (reports / name).read_text(encoding="utf-8")
    assert LEFT_OUT in json.dumps(json.loads((reports / "summary.json").read_text("utf-8")))
    assert "cache_benchmark is left out" in " ".join(answer.out.split())


@pytest.mark.timeout(180)
def test_who_asks_for_the_cache_by_name_is_told_that_it_could_not_be_measured(
    command: CommandLine, tmp_path: Path
) -> None:
    only = ("--only", "cache_benchmark", "--only", "pulse")
    answer = command("run", "--profile", str(tmp_path / "pulse.toml"), *only)

    assert answer.code == 97
    assert NEEDED in answer.err
    assert "PERF_REDIS_URL" in answer.err
    assert LEFT_OUT not in answer.err


@pytest.mark.timeout(180)
def test_a_redis_that_is_named_and_does_not_answer_is_not_an_absent_one(
    command: CommandLine, tmp_path: Path
) -> None:
    answer = command(
        "run",
        "--profile",
        str(tmp_path / "pulse.toml"),
        PERF_REDIS_URL="redis://:hunter2@127.0.0.1:1/0",
    )

    assert answer.code == 97
    assert "Redis can't be used" in answer.err + answer.out
    assert LEFT_OUT not in answer.err
    assert "hunter2" not in answer.err + answer.out
