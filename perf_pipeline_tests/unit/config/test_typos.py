"""Twenty typos of each kind: each is answered by one sentence, which holds the right word.

A typo leaves a letter out, doubles or swaps one, or writes a word as another tool does.
"""

from typing import Any

import pytest

from perf_pipeline.config.loading import validate_profile
from perf_pipeline.errors import ProfileError
from perf_pipeline_tests.support.refused_profiles import ARRIVALS, LOOK, STEP, shop, the_answer_to

KEYS_OF_A_SCENARIO = [
    ("warmup", "warmUp"),
    ("warm_up", "warmUp"),
    ("startTimee", "startTime"),
    ("start_time", "startTime"),
    ("gracefullStop", "gracefulStop"),
    ("graceful_stop", "gracefulStop"),
    ("celing", "ceiling"),
    ("stepp", "step"),
    ("parameter", "parameters"),
    ("maxVUS", "maxVUs"),
    ("maxVus", "maxVUs"),
    ("max_vus", "maxVUs"),
    ("timeunit", "timeUnit"),
    ("time-unit", "timeUnit"),
    ("durration", "duration"),
    ("raet", "rate"),
    ("preAlocatedVUs", "preAllocatedVUs"),
    ("preallocatedVus", "preAllocatedVUs"),
    ("pre_allocated_vus", "preAllocatedVUs"),
    ("tag", "tags"),
]


@pytest.mark.parametrize(("typo", "right"), KEYS_OF_A_SCENARIO)
def test_a_misspelt_key_of_a_scenario_is_answered_with_the_key(typo: str, right: str) -> None:
    look = {"exec": "http_steps", "parameters": LOOK["parameters"], **ARRIVALS, typo: 1}

    answer = the_answer_to(shop(look))

    assert answer == (
        f"benchmarks.orders.scenarios.look.{typo} is not a known key; did you mean {right}?"
    )


KEYS_ELSEWHERE = [
    ("benchmarks.orders.threshold", "thresholds"),
    ("benchmarks.orders.treshholds", "thresholds"),
    ("benchmarks.orders.scenario", "scenarios"),
    ("benchmarks.orders.enable", "enabled"),
    ("benchmarks.orders.asset_group", "assetGroup"),
    ("benchmarks.orders.intervall", "interval"),
    ("benchmarks.orders.drain_timeout", "drainTimeout"),
    ("sead", "seed"),
    ("worker", "workers"),
    ("descripton", "description"),
    ("benchmark", "benchmarks"),
    ("targts", "targets"),
    ("base_line", "baseline"),
    ("keepRawRun", "keepRawRuns"),
    ("seeding.user", "users"),
    ("baseline.minimum_runs", "minimumRuns"),
    ("baseline.alfa", "alpha"),
    ("targets.shop.baseURL", "baseUrl"),
    ("targets.shop.healtPath", "healthPath"),
    ("targets.shop.allow", "allowed"),
]


@pytest.mark.parametrize(("path", "right"), KEYS_ELSEWHERE)
def test_a_misspelt_key_of_any_table_is_answered_with_the_key(path: str, right: str) -> None:
    raw = shop()
    *tables, typo = path.split(".")
    place = raw
    for table in tables:
        place = place.setdefault(table, {})
    place[typo] = 1

    assert the_answer_to(raw) == f"{path} is not a known key; did you mean {right}?"


KEYS_OF_STEPS = [
    ("steps", "pth", "path"),
    ("steps", "metod", "method"),
    ("steps", "header", "headers"),
    ("steps", "querry", "query"),
    ("steps", "expects", "expect"),
    ("steps", "saves", "save"),
    ("steps", "thinktime", "thinkTime"),
    ("steps", "think_time", "thinkTime"),
    ("steps", "timout", "timeout"),
    ("steps", "grup", "group"),
    ("steps", "jsn", "json"),
    ("steps", "bdy", "body"),
    ("steps", "frm", "form"),
    ("expect", "statuss", "status"),
    ("expect", "durationn", "duration"),
    ("expect", "jsonn", "json"),
    ("parameters", "redirect", "redirects"),
    ("parameters", "cafile", "caFile"),
    ("parameters", "keepcookies", "keepCookies"),
    ("parameters", "insecure_skip_verify", "insecureSkipVerify"),
]


@pytest.mark.parametrize(("place", "typo", "right"), KEYS_OF_STEPS)
def test_a_misspelt_key_of_a_step_is_answered_with_the_key(
    place: str, typo: str, right: str
) -> None:
    expect = {typo: 1} if place == "expect" else {}
    step = {**STEP, **({typo: 1} if place == "steps" else {})}
    step |= {"expect": expect} if expect else {}
    parameters = {"steps": [step], **({typo: 1} if place == "parameters" else {})}

    answer = the_answer_to(shop({**LOOK, "parameters": parameters}))

    assert answer.endswith(f"{typo} is not a known key; did you mean {right}?")


@pytest.mark.parametrize(
    ("exec_name", "parameters", "right"),
    [
        ("produce", {"json": 1, "schema": {"registry": "http://[::1]", "sbject": 1}}, "subject"),
        ("produce", {"json": 1, "keys": {"count": 2, "shar": 1}}, "share"),
        ("produce", {"size": {"most": 2, "lest": 1}}, "least"),
        ("sql", {"statements": [{"name": "a", "sql": "select 1", "sav": 1}]}, "save"),
        ("sql", {"statements": [{"name": "a", "sql": "select 1", "expect": {"rws": 1}}]}, "rows"),
    ],
)
def test_a_misspelt_key_of_messages_and_statements_is_answered_with_the_key(
    exec_name: str, parameters: dict[str, Any], right: str
) -> None:
    plan = {"executor": "constant-vus", "vus": 1, "duration": "1s"}

    answer = the_answer_to(shop({"exec": exec_name, **plan, "parameters": parameters}))

    assert answer.endswith(f" is not a known key; did you mean {right}?")


@pytest.mark.parametrize(
    ("raw", "homes"),
    [
        (shop(executor="constant-vus"), "executor stands in a scenario with executor"),
        (
            shop({"exec": "http_steps", "parameters": LOOK["parameters"], **ARRIVALS, "vus": 3}),
            "vus stands in a scenario with executor constant-vus",
        ),
        (shop({**LOOK, "rate": 3}), "rate stands in a scenario with executor constant-arrival"),
        (shop({**LOOK, "thinkTime": "1s"}), "thinkTime stands in a step of http_steps"),
        ({**shop(), "interval": "1s"}, "interval stands in a benchmark"),
    ],
    ids=["in a benchmark", "another executor", "a closed model", "a step's key", "at the top"],
)
def test_a_key_that_is_right_elsewhere_is_told_its_place_and_not_itself(
    raw: dict[str, Any], homes: str
) -> None:
    answer = the_answer_to(raw)

    assert homes in answer
    assert "did you mean" not in answer


@pytest.mark.parametrize("name", ["plan", "parameters", "scenarios", "stages", "constant-vus"])
def test_a_name_that_is_spelt_like_a_key_is_still_a_name(name: str) -> None:
    look = {**LOOK, "parameters": {"steps": [STEP], "cafile": "ca.pem"}, "startTimee": "1s"}
    orders = {"scenarios": {name: look}, "threshold": {}}
    raw = {"name": "shop", "benchmarks": {"plan": orders}, "targets": {name: {"allow": []}}}

    with pytest.raises(ProfileError) as caught:
        validate_profile(raw, "shop.toml")

    scenario = f"benchmarks.plan.scenarios.{name}"
    assert sorted(caught.value.problems) == [
        f"{scenario}.parameters.cafile is not a known key; did you mean caFile?",
        f"{scenario}.startTimee is not a known key; did you mean startTime?",
        "benchmarks.plan.threshold is not a known key; did you mean thresholds?",
        f"targets.{name}.allow is not a known key; did you mean allowed?",
    ]


EXECS = [
    ("http_step", "http_steps"),
    ("http-steps", "http_steps"),
    ("httpsteps", "http_steps"),
    ("HTTP_STEPS", "http_steps"),
    ("http_stepps", "http_steps"),
    ("create_usr", "create_user"),
    ("creat_user", "create_user"),
    ("read_users", "read_user"),
    ("reed_user", "read_user"),
    ("delete_usr", "delete_user"),
    ("insert_user", "insert_users"),
    ("select_user", "select_users"),
    ("update_user", "update_users"),
    ("soft_delete_user", "soft_delete_users"),
    ("produce_message", "produce_messages"),
    ("produce_transaction", "produce_transactions"),
    ("consume_message", "consume_messages"),
    ("consume_celing", "consume_ceiling"),
    ("shop.flows.visit", "shop.flows:visit"),
    ("flows.visit", "flows:visit"),
]


@pytest.mark.parametrize(("typo", "right"), EXECS)
def test_a_misspelt_exec_is_answered_with_the_exec(typo: str, right: str) -> None:
    answer = the_answer_to(shop({**LOOK, "exec": typo}))

    assert answer.startswith(f"benchmarks.orders.scenarios.look.exec: {typo!r} is not a known exec")
    assert answer.endswith(f"; did you mean {right}?")


VALUES = [
    ("executor", "constant-vu", "constant-vus"),
    ("executor", "constant_vus", "constant-vus"),
    ("executor", "constantVUs", "constant-vus"),
    ("executor", "ramping-vu", "ramping-vus"),
    ("executor", "rampingvus", "ramping-vus"),
    ("executor", "constant-arival-rate", "constant-arrival-rate"),
    ("executor", "constant-rate", "constant-arrival-rate"),
    ("executor", "ramping-arrival", "ramping-arrival-rate"),
    ("executor", "per-vu-iteration", "per-vu-iterations"),
    ("executor", "shared-iteration", "shared-iterations"),
    ("method", "GTE", "GET"),
    ("method", "get", "GET"),
    ("method", "POTS", "POST"),
    ("method", "PACTH", "PATCH"),
    ("method", "DELTE", "DELETE"),
    ("healthCheck", "htpp", "http"),
    ("healthCheck", "TCP", "tcp"),
    ("severity", "wran", "warn"),
    ("severity", "Fail", "fail"),
    ("severity", "warning", "warn"),
]


@pytest.mark.parametrize(("key", "typo", "right"), VALUES)
def test_a_misspelt_value_is_answered_with_the_value(key: str, typo: str, right: str) -> None:
    raw = shop()
    if key == "executor":
        raw = shop({**LOOK, "executor": typo})
    elif key == "method":
        raw = shop({**LOOK, "parameters": {"steps": [{**STEP, "method": typo}]}})
    elif key == "healthCheck":
        raw["targets"] = {"shop": {key: typo}}
    else:
        entry = {"threshold": "rate<1", key: typo}
        raw = shop(thresholds={"http_req_failed": [entry]})

    answer = the_answer_to(raw)

    assert f"{key} is '{typo}'; it must be " in answer
    assert answer.endswith(f"; did you mean {right}?")


LOOKING = "benchmarks.orders.scenarios.look"
PLANNED = {**LOOK["parameters"], "data": {"plan": {"cvs": "a.csv"}}}
NAMED_LIKE_KEYS = [
    (
        shop() | {"targets": {"here": {"tiers": {"plan": {"contaners": ["a"]}}}}},
        "targets.here.tiers.plan.contaners is not a known key; did you mean containers?",
    ),
    (shop(LOOK | {"env": {"plan": 1}}), f"{LOOKING}.env.plan is 1; it must be a text in quotes"),
    (shop(LOOK | {"tags": {"plan": 1}}), f"{LOOKING}.tags.plan is 1; it must be a text in quotes"),
    (
        shop(LOOK | {"parameters": PLANNED}),
        f"{LOOKING}.parameters.data.plan.cvs is not a known key; did you mean csv?",
    ),
]


@pytest.mark.parametrize(
    ("raw", "sentence"), NAMED_LIKE_KEYS, ids=["tier", "variable", "tag", "data-set"]
)
def test_whatever_is_named_like_a_key_keeps_its_name(raw: dict[str, Any], sentence: str) -> None:
    assert the_answer_to(raw) == sentence
