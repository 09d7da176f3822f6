"""Promised messages and the place where deliveries show are checked together, before any load."""

import pytest

from perf_pipeline.benchmarks.record import Part
from perf_pipeline.config.loading import validate_profile
from perf_pipeline.config.needed_parts import parts_of
from perf_pipeline.config.profile import Profile
from perf_pipeline.errors import ProfileError

SQL = {"sql": "select id, completed_at from shipped"}
TOPIC = {"topic": "done", "id": "$.order"}
PATH = {"path": "/orders/${message}", "done": {"$.state": "done"}}


def checked(deliveries: object, message: str | None = "${order}") -> Profile:
    step = {"name": "order", "path": "/orders", "save": {"order": "$.id"}}
    promising = step if message is None else {**step, "message": message}
    scenario = {
        "exec": "http_steps",
        "executor": "per-vu-iterations",
        "vus": 1,
        "iterations": 1,
        "parameters": {"steps": [promising]},
    }
    benchmark = {"scenarios": {"people": scenario}}
    if deliveries is not None:
        benchmark["deliveries"] = deliveries  # type: ignore[assignment]  # a raw table
    return validate_profile({"name": "shop", "benchmarks": {"orders": benchmark}}, "shop.toml")


@pytest.mark.parametrize(
    ("deliveries", "parts"),
    [
        (SQL, {Part.API, Part.POSTGRES}),
        (TOPIC, {Part.API, Part.BROKERS}),
        ({**TOPIC, "time": "$.at", "clock": "postgres"}, {Part.API, Part.BROKERS, Part.POSTGRES}),
        (PATH, {Part.API}),
    ],
)
def test_a_benchmark_needs_the_parts_where_its_deliveries_show(
    deliveries: dict[str, object], parts: set[Part]
) -> None:
    assert parts_of(checked(deliveries), "orders") == parts


def _produced(**parameters: object) -> Profile:
    scenario = {
        "exec": "produce",
        "executor": "per-vu-iterations",
        "vus": 1,
        "iterations": 1,
        "parameters": {"topic": "orders", "json": {"id": "${uuid}"}, **parameters},
    }
    benchmark = {"scenarios": {"place": scenario}, "deliveries": SQL}
    return validate_profile({"name": "shop", "benchmarks": {"orders": benchmark}}, "shop.toml")


def test_a_produced_message_is_promised_by_its_id_and_by_nothing_else() -> None:
    parts = parts_of(_produced(messageId="$.id"), "orders")

    assert parts == {Part.BROKERS, Part.POSTGRES}
    with pytest.raises(ProfileError, match="or messageId into the parameters of exec"):
        _produced()


@pytest.mark.parametrize(
    ("deliveries", "message", "sentence"),
    [
        ({}, "${order}", "names no place; write one of sql, topic and path"),
        ({**SQL, **TOPIC}, "${order}", "has sql and topic; write one of"),
        ({**SQL, "every": "1s"}, "${order}", "has every, which sql does not take"),
        ({"topic": "done"}, "${order}", "has a topic and no id"),
        ({"topic": "done", "id": "order"}, "${order}", "is not a JSON path"),
        ({"topic": "done", "id": "header: "}, "${order}", "'header: ' names no header"),
        ({**TOPIC, "id": "here"}, "${order}", "has id = 'here', which is a time"),
        ({"path": "/orders"}, "${order}", "has a path without ${message}"),
        ({**PATH, "time": "broker"}, "${order}", "with a path, the time is a JSON path"),
        ({**PATH, "done": {"state": "done"}}, "${order}", "is not a JSON path"),
        (SQL, None, "no scenario promises a message"),
        (None, "${order}", "does not say where deliveries show"),
        (SQL, "order", "'order' has no variable, so all messages would be one"),
        (SQL, "${ordr}", "did you mean order?"),
        (SQL, "${order", "steps[0].message: '${order' has ${ without a closing }"),
        (SQL, "${order.id}", "steps[0].message: ${order.id} is not known"),
        ({"sqll": "x"}, "${order}", "did you mean sql?"),
    ],
)
def test_what_can_not_be_followed_is_told_before_the_load(
    deliveries: object, message: str | None, sentence: str
) -> None:
    with pytest.raises(ProfileError) as caught:
        checked(deliveries, message)

    assert sentence in str(caught.value)


def test_a_consumer_by_id_is_refused_beside_deliveries_which_it_would_complete() -> None:
    # 60 messages that were produced and consumed, and none of them delivered: 0 lost, by mistake.
    plan = {"executor": "constant-vus", "vus": 1, "duration": "1s"}
    ids = {"topic": "orders", "messageId": "$.id"}
    place = {**plan, "exec": "produce", "parameters": {**ids, "json": {"id": "${uuid}"}}}
    take = {**plan, "exec": "consume", "parameters": ids}
    benchmark = {"scenarios": {"place": place, "take": take}, "deliveries": SQL}

    with pytest.raises(ProfileError) as caught:
        validate_profile({"name": "shop", "benchmarks": {"orders": benchmark}}, "shop.toml")

    assert "scenarios.take.parameters.messageId: messages of this" in str(caught.value)
    assert "what this consumer takes would count as delivered, too" in str(caught.value)
