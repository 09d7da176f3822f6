"""Every `exec` of a profile leads to a class that does it, and gets what it needs to know."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.parameters import ITERATIONS, IterationKind, iteration_kind
from perf_pipeline.config.target import Target
from perf_pipeline.loading.jobs import load_job
from perf_pipeline.loading.seeding import SHARES
from perf_pipeline_tests.support.loads.sessions import session_with

KINDS = {**ITERATIONS, "my_shop.load:checkout": iteration_kind("my_shop.load:checkout")}
TARGET = Target(
    name="local",
    base_url="http://127.0.0.1:8000",
    postgres_dsn="postgresql://127.0.0.1/birthdays",
    brokers="127.0.0.1:9092",
    redis_url="redis://127.0.0.1:6379/0",
    topic="birthday-messages",
    group="birthday-workers",
)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_the_class_of_an_iteration_is_there_and_is_a_workload(kind: IterationKind) -> None:
    module, _, name = kind.workload.partition(":")
    workload = getattr(importlib.import_module(f"perf_pipeline.workloads.{module}"), name)

    assert {"open", "iterate", "close"} <= set(dir(workload))


@pytest.mark.parametrize(
    "kind", [kind for kind in ITERATIONS.values() if kind.operation], ids=lambda kind: kind.workload
)
def test_the_operation_of_an_iteration_is_that_of_its_samples(kind: IterationKind) -> None:
    module, _, name = kind.workload.partition(":")
    workload = getattr(importlib.import_module(f"perf_pipeline.workloads.{module}"), name)

    assert workload.operation == kind.operation


def test_an_iteration_takes_its_users_from_a_set_that_seeding_deals_out() -> None:
    assert {kind.ids for kind in ITERATIONS.values()} - {""} == set(SHARES)


def test_every_scenario_of_a_shipped_profile_becomes_a_job(tmp_path: Path) -> None:
    session = session_with(load_profile("full"), TARGET, tmp_path)
    jobs = [
        load_job(session, benchmark, step, tmp_path)
        for benchmark, config in session.profile.benchmarks.items()
        for step, _ in config.load_steps
    ]
    given = {scenario.workload: scenario.parameters for job in jobs for scenario in job.scenarios}

    assert {name.removeprefix("perf_pipeline.workloads.") for name in given} <= {
        kind.workload for kind in ITERATIONS.values()
    }
    assert given["perf_pipeline.workloads.users:CreateUser"]["base_url"] == TARGET.base_url
    assert given["perf_pipeline.workloads.users:ReadUser"]["ids_file"] == str(
        tmp_path / "spool" / "r1" / "ids-api_reads.txt"
    )
    produced = given["perf_pipeline.workloads.kafka.produce:ProduceMessages"]
    assert (produced["topic"], produced["ledger"]) == ("perf-pipeline-messages", True)
    drained = given["perf_pipeline.workloads.kafka.consume_ceiling:ConsumeCeiling"]
    assert drained["topic"] == "perf-pipeline-messages-ceiling"
    assert drained["group"] == "perf-pipeline-consumers-ceiling"


def test_no_secret_is_among_the_parameters_of_a_job(tmp_path: Path) -> None:
    secret = replace(TARGET, postgres_dsn="postgresql://u:hush@h/d", redis_url="redis://:hush@h/0")
    session = session_with(load_profile("full"), secret, tmp_path)

    for benchmark, config in session.profile.benchmarks.items():
        for step, _ in config.load_steps:
            assert "hush" not in str(load_job(session, benchmark, step, tmp_path).to_json())
