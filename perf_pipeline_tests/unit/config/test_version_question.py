"""A target says in one way where its version stands; everything else is told before a load."""

import pytest

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.errors import ProfileError

SCENARIO = {
    "exec": "http_steps",
    "executor": "per-vu-iterations",
    "vus": 1,
    "iterations": 1,
    "parameters": {"steps": [{"name": "look", "path": "/"}]},
}


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ({}, "targets.shop.version: has neither path nor command"),
        ({"path": "/v", "command": ["git"]}, "targets.shop.version: has both path and command"),
        ({"path": "/v", "json": "$.a", "header": "X"}, "has both json and header"),
        ({"command": ["git"], "header": "X"}, "has json or header beside command"),
        ({"container": "api", "path": "/v"}, "has both path and container"),
        ({"container": "api", "json": "$.a"}, "has json or header beside container"),
        ({"command": [" "]}, "has an empty program as command"),
        ({"path": "/v", "json": "version"}, "is not a JSON path"),
        ({"path": "version"}, "is not a path on the target"),
        ({"path": "/v", "jsn": "$.a"}, "did you mean json?"),
    ],
)
def test_a_version_that_cannot_be_asked_for_is_told(
    version: dict[str, object], sentence: str
) -> None:
    profile = {
        "name": "shop",
        "target": "shop",
        "targets": {"shop": {"baseUrl": "http://127.0.0.1:1", "version": version}},
        "benchmarks": {"visits": {"scenarios": {"people": SCENARIO}}},
    }
    with pytest.raises(ProfileError) as caught:
        validate_profile(profile, "shop.toml")

    assert sentence in str(caught.value)
