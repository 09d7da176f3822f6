"""Whose group is watched, which group a consumer may be in, and when messages count by id."""

from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.target import resolve_target
from perf_pipeline.engine.wall_clock import WallClockWatch
from perf_pipeline.errors import ProfileError
from perf_pipeline.loading.jobs import load_job
from perf_pipeline.loading.ledgers import completed_ledger
from perf_pipeline.loading.own_topics import (
    compaction_of,
    counts_by_id,
    own_groups_of,
    own_topics_of,
    watched_group,
)
from perf_pipeline.loading.session import Session
from perf_pipeline.metrics.sample import Figure
from perf_pipeline_tests.support.histories.spool import Spool, ledger
from perf_pipeline_tests.support.loads.sessions import session_with

PLAN = {"executor": "constant-vus", "vus": 1, "duration": "1s"}
WITH_ID = {"messageId": "header:id"}


def session_of(
    folder: Path,
    produced: dict[str, Any] | None = None,
    consumed: dict[str, Any] | None = None,
    also_consumed: dict[str, Any] | None = None,
    **target: str,
) -> Session:
    scenarios = {}
    if produced is not None:
        scenarios["placed"] = {**PLAN, "exec": "produce", "parameters": {"value": "x", **produced}}
    if consumed is not None:
        scenarios["handled"] = {**PLAN, "exec": "consume", "parameters": consumed}
    if also_consumed is not None:
        scenarios["archived"] = {**PLAN, "exec": "consume", "parameters": also_consumed}
    raw = {
        "name": "orders",
        "target": "orders",
        "targets": {"orders": {"brokers": "127.0.0.1:1", **target}},
        "benchmarks": {"orders": {"scenarios": scenarios}},
    }
    profile = validate_profile(raw, "orders.toml")
    return session_with(profile, resolve_target("orders", profile.targets["orders"], {}), folder)


def test_the_systems_group_is_watched_only_where_the_target_names_it(tmp_path: Path) -> None:
    assert watched_group(session_of(tmp_path, {})) is None
    assert watched_group(session_of(tmp_path, {}, group="order-workers")) == "order-workers"


def test_the_topic_is_the_targets_unless_the_scenario_names_another(tmp_path: Path) -> None:
    session = session_of(tmp_path, {"topic": "a"}, {}, topic="orders")

    assert own_topics_of(session, session.profile.benchmarks["orders"]) == ["a", "orders"]
    assert own_groups_of(session, "orders") == {"perf-pipeline-consumers": "orders"}
    jobs = load_job(session, "orders", 1, tmp_path).scenarios
    assert [job.parameters["topic"] for job in jobs] == ["a", "orders"]


def test_a_consumer_never_joins_the_group_of_the_system(tmp_path: Path) -> None:
    session = session_of(tmp_path, None, {"group": "order-workers"}, group="order-workers")

    with pytest.raises(ProfileError, match="whose messages it would take; write another group"):
        own_groups_of(session, "orders")


@pytest.mark.parametrize(
    ("produced", "consumed", "known"),
    [
        (WITH_ID, WITH_ID, True),
        (WITH_ID, {}, False),
        ({}, WITH_ID, False),
        (WITH_ID, None, False),
        (WITH_ID, {**WITH_ID, "topic": "another"}, False),
    ],
)
def test_messages_count_by_id_where_both_ends_know_it(
    tmp_path: Path, produced: dict[str, Any], consumed: dict[str, Any] | None, *, known: bool
) -> None:
    session = session_of(tmp_path, produced, consumed, topic="orders")

    assert counts_by_id(session, "orders") is known


def test_a_consumer_knows_where_its_topic_ended_before_the_benchmark(tmp_path: Path) -> None:
    session = session_of(tmp_path, WITH_ID, {**WITH_ID, "from": "beginning"}, topic="orders")
    session.folder.mkdir(parents=True)
    (session.folder / "ends-orders.json").write_text('{"orders": {"0": 7}}', encoding="utf-8")

    placed, handled = load_job(session, "orders", 1, tmp_path).scenarios

    assert handled.parameters["ends"] == {"0": 7}
    assert "ends" not in placed.parameters


def test_two_groups_do_not_take_the_same_messages_by_id(tmp_path: Path) -> None:
    one, other = {**WITH_ID, "group": "a"}, {**WITH_ID, "group": "b"}

    with pytest.raises(ProfileError) as caught:
        own_groups_of(session_of(tmp_path, WITH_ID, one, other, topic="orders"), "orders")

    assert "the groups a and b both take messages of orders by their ids" in str(caught.value)
    for also in ({"group": "b"}, {**other, "topic": "elsewhere"}):
        session = session_of(tmp_path, WITH_ID, one, also, topic="orders")
        assert list(own_groups_of(session, "orders")) == ["a", "b"]


def test_brokers_that_do_not_say_whether_a_topic_is_compacted_leave_losses_unknown(
    tmp_path: Path,
) -> None:
    session = session_of(tmp_path, WITH_ID, WITH_ID, topic="orders")

    assert "reading the settings of orders" in (compaction_of(session, "orders") or "")


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        (  # one of two never came; by ids alone, nothing would be lost
            "1:acknowledged@1 1:acknowledged@2 1:completed@3",
            "1 message had the id of an earlier one",
        ),
        (  # that of an earlier run was taken from the topic's beginning, and the new one never
            "1:intended@900 1:acknowledged@901 1:completed@20",
            "1 message had the id of an older one of the topic",
        ),
    ],
)
def test_messages_that_share_an_id_are_not_counted(
    tmp_path: Path, entries: str, sentence: str
) -> None:
    folder = Spool(ledger=ledger(entries)).write(tmp_path) / "api"
    session = session_of(tmp_path, WITH_ID, WITH_ID, topic="orders")

    found = completed_ledger(session, "orders", folder, 0, (), (), clock=WallClockWatch())

    assert found.counts is None
    assert sentence in found.limits[0]


def test_what_had_not_arrived_when_the_user_stopped_the_run_is_not_called_lost(
    tmp_path: Path,
) -> None:
    entries = ledger("1:acknowledged@1 1:completed@2 1:completed@3 2:acknowledged@1")
    folder = Spool(ledger=entries).write(tmp_path) / "api"
    session = session_of(tmp_path, WITH_ID, WITH_ID, topic="orders")
    session.stop.set()

    found = completed_ledger(session, "orders", folder, 0, (), (), clock=WallClockWatch())

    assert found.counts is None
    assert found.problems[0].startswith("1 message had not arrived when the run was stopped")
    assert found.figures == (Figure("messages_duplicated", 1.0),)  # what came twice is certain
