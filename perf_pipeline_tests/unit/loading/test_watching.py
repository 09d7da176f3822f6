"""Brokers are watched beside whatever may reach them, and beside nothing else."""

from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.target import resolve_target
from perf_pipeline.loading.watching import sampler
from perf_pipeline_tests.support.loads.sessions import session_with

LOOK = {"exec": "http_steps", "parameters": {"steps": [{"name": "look", "path": "/"}]}}
PLACED = {"exec": "produce", "parameters": {"topic": "orders", "value": "x"}}
HANDLED = {"exec": "consume", "parameters": {"topic": "orders"}}
SELECT = {"exec": "select_users"}
PLAN = {"executor": "constant-vus", "vus": 1, "duration": "1s"}


@pytest.mark.parametrize(
    ("benchmark", "scenario", "watched"),
    [
        ("orders", LOOK, {"broker", "consumer_lag"}),  # what an API does may end in a topic
        ("orders", PLACED, {"broker"}),
        ("orders", HANDLED, {"broker", "consumer_lag"}),
        ("database_benchmark", SELECT, set()),
    ],
    ids=["HTTP", "producing", "consuming", "a database alone"],
)
def test_brokers_are_watched_where_messages_may_go(
    tmp_path: Path, benchmark: str, scenario: dict[str, Any], watched: set[str]
) -> None:
    target = {"baseUrl": "http://127.0.0.1:1", "brokers": "127.0.0.1:1"}
    raw = {
        "name": "shop",
        "target": "shop",
        "targets": {"shop": target},
        "benchmarks": {benchmark: {"scenarios": {"one": {**PLAN, **scenario}}}},
    }
    profile = validate_profile(raw, "shop.toml")
    resolved = resolve_target("shop", profile.targets["shop"], {})

    made = sampler(session_with(profile, resolved, tmp_path), benchmark, tmp_path, 0)

    names = {track.name for track in made._tracks}
    assert names - {"host", "processes"} == watched
