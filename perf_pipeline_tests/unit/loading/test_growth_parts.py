"""Which parts a threshold on a growth may name: those of which something is read."""

from typing import Any

import pytest

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.target import resolve_target
from perf_pipeline.errors import ProfileError
from perf_pipeline.loading.growth_parts import require_growth_parts
from perf_pipeline_tests.support.loads.sessions import session_with

TIERS = {
    "till": {"processes": ["till"]},
    "shop": {"containers": ["shop-1"]},
    "bank": {"memory_bytes": "bank_memory", "cpu_percent": "bank_cpu"},
    "mail": {"cpu_percent": "mail_cpu"},
}
PLAN = {"executor": "constant-arrival-rate", "rate": 5, "duration": "1m", "preAllocatedVUs": 2}
LOOK = {"exec": "http_steps", "parameters": {"steps": [{"name": "look", "path": "/"}]}}


def refusal(metric: str, part: str) -> str:
    """Return why a threshold on the growth of a tier is refused; empty where it is not."""
    thresholds = {f"{metric}{{part:{part}}}": ["value<1"]}
    growing: dict[str, Any] = {"growth": {}, "scenarios": {"one": {**PLAN, **LOOK}}}
    raw = {
        "name": "mine",
        "target": "own",
        "targets": {"own": {"baseUrl": "http://127.0.0.1:9", "tiers": TIERS}},
        "benchmarks": {"soaked": {**growing, "thresholds": thresholds}},
    }
    profile = validate_profile(raw, "mine.toml")
    session = session_with(profile, resolve_target("own", profile.targets["own"], {}))
    try:
        require_growth_parts(session, "soaked")
    except ProfileError as error:
        return error.problems[0]
    return ""


@pytest.mark.parametrize("part", ["till", "shop", "bank", "generator"])
def test_memory_is_read_of_processes_containers_and_queries_of_it(part: str) -> None:
    assert refusal("memory_growth_bytes_per_h", part) == ""


def test_a_tier_without_a_query_of_its_memory_is_refused() -> None:
    told = refusal("memory_growth_bytes_per_h", "mail")

    assert "no part 'mail' is watched; there are till, shop, bank, generator" in told


def test_open_files_are_read_of_processes_alone() -> None:
    assert refusal("descriptors_growth_per_h", "till") == ""
    for part in ("shop", "bank", "mail"):
        told = refusal("descriptors_growth_per_h", part)
        assert f"no part {part!r} is watched; there are till, generator" in told
