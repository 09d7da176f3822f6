"""A run goes without an optional benchmark where the target has no such part, and says so."""

from dataclasses import replace

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.target import Target
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.loading.absent import left_out_of

WHOLE = Target(
    name="staging",
    base_url="http://127.0.0.1:8000",
    postgres_dsn="postgresql://127.0.0.1/birthdays",
    brokers="127.0.0.1:9092",
    redis_url="redis://127.0.0.1:6379/0",
    topic="birthday-messages",
    group="birthday-workers",
)
NO_REDIS = replace(WHOLE, redis_url=None)
QUICK = load_profile("quick")
NAMES = QUICK.benchmark_names
ONLY_CACHE = load_profile(
    "quick", {f"benchmarks.{name}.enabled": False for name in NAMES if name != "cache_benchmark"}
)


def test_a_whole_run_without_redis_goes_without_the_cache_benchmark_and_says_how_to_get_it() -> (
    None
):
    assert left_out_of(QUICK, NAMES, NO_REDIS) == {
        "cache_benchmark": (
            "cache_benchmark is left out, because target staging has no Redis; set PERF_REDIS_URL "
            "(or the variable that redisUrlEnv names); if the system is started here, "
            "`perf-pipeline doctor` says how to get a Redis"
        )
    }


def test_with_redis_nothing_is_left_out() -> None:
    assert left_out_of(QUICK, NAMES, WHOLE) == {}


def test_who_names_the_cache_benchmark_gets_it_or_an_error() -> None:
    assert left_out_of(QUICK, ["cache_benchmark"], NO_REDIS) == {}
    assert left_out_of(QUICK, ["database_benchmark", "cache_benchmark"], NO_REDIS) == {}


def test_who_names_all_that_there_is_gets_an_error_as_well() -> None:
    assert left_out_of(QUICK, NAMES, NO_REDIS, by_name=True) == {}


@pytest.mark.parametrize(
    "target",
    [
        replace(WHOLE, base_url=None),
        replace(WHOLE, postgres_dsn=None),
        replace(WHOLE, brokers=None),
    ],
    ids=["no API", "no PostgreSQL", "no brokers"],
)
def test_no_other_part_may_be_absent_without_an_error(target: Target) -> None:
    assert left_out_of(QUICK, NAMES, target) == {}


def test_a_run_that_would_measure_nothing_at_all_is_no_pass() -> None:
    with pytest.raises(TargetUnavailableError, match="target staging has no Redis") as caught:
        left_out_of(ONLY_CACHE, ["cache_benchmark"], NO_REDIS)

    assert "PERF_REDIS_URL" in str(caught.value)


def test_a_benchmark_that_the_profile_switches_off_is_not_told_of() -> None:
    profile = load_profile("quick", {"benchmarks.cache_benchmark.enabled": False})
    planned = [name for name in NAMES if name != "cache_benchmark"]

    assert left_out_of(profile, planned, NO_REDIS) == {}
