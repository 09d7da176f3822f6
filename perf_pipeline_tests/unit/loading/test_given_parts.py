"""What a run starts on this machine: what its benchmarks need and nobody gave, and no more."""

from dataclasses import replace

import pytest

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.needed_parts import makes_users, parts_of
from perf_pipeline.config.target import Target
from perf_pipeline.loading.given_parts import is_found, stack_options
from perf_pipeline.stack.parts import PARTS

QUICK = load_profile("quick")
HERE = Target(
    name="local",
    base_url=None,
    postgres_dsn=None,
    brokers=None,
    topic="birthday-messages",
    group="birthday-workers",
    redis_url=None,
)


@pytest.mark.parametrize(
    ("benchmark", "needed"),
    [
        ("api_user_creation", {Part.API}),
        ("api_mixed_operations", {Part.API, Part.POSTGRES}),
        ("database_benchmark", {Part.POSTGRES}),
        ("cache_benchmark", {Part.REDIS}),
        ("queue_produce", {Part.BROKERS}),
        ("queue_consume", {Part.BROKERS}),
        ("end_to_end", {Part.API, Part.POSTGRES}),
        ("day_simulation", {Part.API, Part.POSTGRES}),
    ],
)
def test_a_benchmark_needs_what_its_scenarios_its_users_and_its_ledger_need(
    benchmark: str, needed: set[Part]
) -> None:
    assert parts_of(QUICK, benchmark) == needed


@pytest.mark.parametrize(
    ("planned", "started", "tables"),
    [
        (["queue_produce", "queue_consume"], {"kafka"}, False),
        (["database_benchmark"], {"postgres"}, True),
        (["cache_benchmark"], {"redis"}, False),
        (["database_benchmark", "queue_produce"], {"postgres", "kafka"}, True),
        (["api_user_creation"], PARTS, False),
        ([], PARTS, False),
    ],
    ids=["queue", "database", "cache", "database and queue", "API", "everything"],
)
def test_only_what_is_needed_is_started(
    planned: list[str], started: set[str], *, tables: bool
) -> None:
    options = stack_options(QUICK, HERE, planned)

    assert set(options.parts) == started
    assert options.tables is tables


def test_nothing_is_started_in_place_of_a_part_that_is_given() -> None:
    given = replace(HERE, brokers="127.0.0.1:9092")
    both = ["database_benchmark", "queue_produce"]

    assert stack_options(QUICK, given, ["queue_produce"]).parts == frozenset()
    assert stack_options(QUICK, given, both).parts == {"postgres"}


def test_a_given_part_that_nobody_needs_is_not_asked() -> None:
    given = replace(HERE, postgres_dsn="postgresql://127.0.0.1:1/nobody")

    options = stack_options(QUICK, given, ["queue_produce"])

    assert set(options.parts) == {"kafka"}
    assert options.postgres_dsn is None


def test_the_reference_system_stands_on_the_parts_that_are_given() -> None:
    given = replace(HERE, brokers="127.0.0.1:9092")

    options = stack_options(QUICK, given, ["api_user_creation"])

    assert (options.parts, options.brokers) == (PARTS, "127.0.0.1:9092")


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (HERE, False),
        (replace(HERE, brokers="127.0.0.1:9092"), False),
        (replace(HERE, base_url="http://127.0.0.1:8000"), True),
        (replace(HERE, name="staging"), True),
    ],
    ids=["local", "local with brokers", "local with an API", "named"],
)
def test_in_a_system_of_somebody_nothing_is_started(target: Target, *, found: bool) -> None:
    assert is_found(target) is found


def test_only_users_are_rows_that_a_run_takes_back() -> None:
    left = [name for name in QUICK.benchmark_names if not makes_users(QUICK, name)]

    assert left == ["cache_benchmark", "queue_produce", "queue_consume"]
