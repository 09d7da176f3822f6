"""The sensor that tells of Dagster's runs: once each, and again where a receiver refuses."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from perf_pipeline.config.alerts import Alerts
from perf_pipeline.defs.alerts import EVERY_S, Told, alert_sensor, told
from perf_pipeline_tests.support.alerts.receivers import hooked

JOB = "shop_visits"
WANTED = {JOB: Alerts(slack_env="SHOP_HOOK")}


@dg.asset
def broken() -> None:
    """Fail before there is a verdict."""
    raise ValueError("the shop is closed")


@dg.asset(check_specs=[dg.AssetCheckSpec("gate", asset="report")])
def report() -> Iterator[object]:
    """Fail as a gate does."""
    yield dg.MaterializeResult(
        check_results=[
            dg.AssetCheckResult(
                check_name="gate",
                passed=False,
                metadata={
                    "run": "r7",
                    "outcome": "NOT MEASURED",
                    "sentence": "The run neither passed nor failed.",
                    "reasons": dg.MetadataValue.md("- INVALID walk: a worker stood still"),
                },
            )
        ]
    )
    raise dg.Failure("gate", allow_retries=False)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def fail(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, job: str = JOB) -> str:
    """Run a job of one asset that fails, and give the run's id."""
    unresolved = dg.define_asset_job(job, [asset])
    resolved = dg.Definitions(assets=[asset], jobs=[unresolved]).resolve_job_def(job)
    tags = {"perf_pipeline/profile": "shop-visits", "perf_pipeline/target": "staging"}
    return resolved.execute_in_process(instance=instance, raise_on_error=False, tags=tags).run_id


def begun() -> Told:
    """Give what a sensor remembers that was switched on a minute ago."""
    return Told((datetime.now(UTC) - timedelta(minutes=1)).timestamp())


def test_each_failed_run_is_told_once_by_its_gate_or_by_what_broke(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fail(instance, broken)
    fail(instance, report)
    with hooked() as hook:
        monkeypatch.setenv("SHOP_HOOK", hook.address)
        after, said = told(instance, begun(), WANTED)
        again, nothing = told(instance, Told.read(after.text), WANTED)

    texts = [json.loads(body)["text"] for body in hook.bodies]
    assert len(texts) == 2
    assert texts[0].startswith("NOT MEASURED: shop-visits against staging\n")
    assert "The run failed before it was judged: ValueError: the shop is closed" in texts[0]
    assert texts[1].splitlines()[:2] == [
        "INVALID: shop-visits against staging",
        "The run neither passed nor failed.",
    ]
    assert "Run r7." in texts[1]
    assert f"alert of run {first} sent to slack" in said
    assert nothing == "no run has failed since"
    assert again == after


def test_a_receiver_that_refuses_is_tried_at_the_next_tick_and_that_is_said(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = fail(instance, broken)
    with hooked(refusals=1) as hook:
        monkeypatch.setenv("SHOP_HOOK", hook.address)
        waiting, said = told(instance, begun(), WANTED)
        done, then = told(instance, waiting, WANTED)

    assert f"alert of run {run_id} to slack failed: " in said
    assert said.endswith("answered 503; it is tried again")
    assert then == f"alert of run {run_id} sent to slack"
    assert done.waiting == {}
    assert len(hook.bodies) == 1


def test_runs_from_before_it_was_switched_on_and_of_other_jobs_are_not_told(
    instance: dg.DagsterInstance,
) -> None:
    fail(instance, broken)
    later = Told((datetime.now(UTC) + timedelta(seconds=5)).timestamp())

    assert told(instance, later, WANTED)[1] == "no run has failed since"
    assert told(instance, begun(), {"another_job": WANTED[JOB]})[1] == "no run has failed since"


def test_a_receiver_that_never_takes_it_is_given_up(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(instance, broken)
    monkeypatch.delenv("SHOP_HOOK", raising=False)

    memory, said = begun(), ""
    while "given up" not in said:
        memory, said = told(instance, memory, WANTED)

    assert said.endswith("the variable SHOP_HOOK is not set; it is given up")
    assert memory.waiting == {}


def test_a_tick_of_the_sensor_remembers_and_says_what_it_did(instance: dg.DagsterInstance) -> None:
    sensor = alert_sensor(WANTED)
    context = dg.build_sensor_context(instance=instance)

    result = sensor.evaluate_tick(context)

    assert result.skip_message == "no run has failed since"
    assert result.cursor is not None
    assert Told.read(result.cursor).waiting == {}
    assert sensor.minimum_interval_seconds == EVERY_S
