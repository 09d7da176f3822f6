"""A tier is watched in one way; what could not be read is told before a load."""

import pytest

from perf_pipeline.config.loading import load_profile, validate_profile
from perf_pipeline.config.target import resolve_target
from perf_pipeline.config.tiers import TierConfig
from perf_pipeline.errors import PerfPipelineError, ProfileError
from perf_pipeline.loading.tier_probes import require_prometheus


def checked(tier: object, **target: object) -> TierConfig:
    """Give the tier as it was read, where nothing is wrong with it."""
    raw = load_profile("quick").model_dump(mode="json", by_alias=True)
    targets = {"shop": {"tiers": {"database": tier}, **target}}
    profile = validate_profile({**raw, "target": "shop", "targets": targets}, "shop.toml")
    require_prometheus(resolve_target("shop", profile.targets["shop"], {}))
    return profile.targets["shop"].tiers["database"]


@pytest.mark.parametrize(
    ("tier", "read"),
    [
        (
            {"containers": ["pg-1", "pg-2"], "cores": 4},
            TierConfig(containers=("pg-1", "pg-2"), cores="4"),
        ),
        ({"units": ["postgresql.service"]}, TierConfig(units=("postgresql.service",))),
        (
            {"processes": ["postgres"], "cores": "2.5"},
            TierConfig(processes=("postgres",), cores="2.5"),
        ),
        (
            {"cpu_percent": "100 * sum(rate(x[30s]))", "cores": "count(y)"},
            TierConfig(cpu_percent="100 * sum(rate(x[30s]))", cores="count(y)"),
        ),
    ],
)
def test_each_way_to_watch_a_tier_is_taken(tier: dict[str, object], read: TierConfig) -> None:
    assert checked(tier, prometheus="http://127.0.0.1:9090") == read


@pytest.mark.parametrize(
    ("tier", "target", "sentence"),
    [
        ({}, {}, "targets.shop.tiers.database: names nothing that could be read"),
        ({"cores": 2}, {}, "names nothing that could be read"),
        ({"units": ["a"], "processes": ["b"]}, {}, "has units and processes; write one of"),
        ({"units": ["a"], "cpu_percent": "x"}, {}, "has units and a query; write one of"),
        ({"units": ["a"], "cores": 0}, {}, "has 0 cores; it must be more than 0"),
        ({"containrs": ["a"]}, {}, "did you mean containers?"),
        ({"cpu_percent": "x"}, {}, "prometheus of [targets.shop] is missing, and tier database"),
        (
            {"cpu_percent": "x"},
            {"prometheus": "9090"},
            "is not a URL; write one like http://127.0.0.1:9090",
        ),
        (
            {"cpu_percent": "x"},
            {"prometheus": "http://127.0.0.1:9090/#graph"},
            "is not a URL; write one like http://127.0.0.1:9090",
        ),
        (
            {"cpu_percent": "x"},
            {"prometheus": "http://metrics.example:9090"},
            "metrics.example (prometheus of [targets.shop]) is neither this machine nor an allowed",
        ),
    ],
)
def test_a_tier_that_can_not_be_read_is_told(
    tier: dict[str, object], target: dict[str, object], sentence: str
) -> None:
    with pytest.raises(PerfPipelineError) as caught:
        checked(tier, **target)

    assert sentence in str(caught.value)


def test_an_allowed_prometheus_may_be_asked() -> None:
    checked(
        {"cpu_percent": "x"},
        prometheus="https://metrics.example",
        allowed=["metrics.example:443"],
    )
    with pytest.raises(ProfileError, match="prometheus"):
        checked({"cpu_percent": "x"}, prometheus="https://user:pw@metrics.example")
