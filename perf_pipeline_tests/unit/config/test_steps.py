"""Own scenarios in a profile: what is understood, and every mistake with what would be right."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from perf_pipeline.config.http_steps import HttpStepsParameters
from perf_pipeline.config.loading import load_profile, validate_profile
from perf_pipeline.config.own_scenarios import Trust, own_notices, trust_of
from perf_pipeline.errors import ExitCode, ProfileError

Table = dict[str, Any]
STEP: Table = {"name": "home", "path": "/"}
PLAN: Table = {"executor": "constant-vus", "vus": 5, "duration": "10s"}


def scenario(*steps: Table, **parameters: Any) -> Table:
    return {**PLAN, "exec": "http_steps", "parameters": {"steps": list(steps), **parameters}}


def profile(scenarios: Table, benchmark: str = "shop") -> Table:
    return {"name": "own", "benchmarks": {benchmark: {"scenarios": scenarios}}}


def mistakes(raw: Mapping[str, Any]) -> list[str]:
    with pytest.raises(ProfileError) as caught:
        validate_profile(raw, "own.toml")
    assert caught.value.exit_code is ExitCode.INVALID_CONFIGURATION
    return [
        problem.removeprefix("benchmarks.shop.scenarios.s.") for problem in caught.value.problems
    ]


def test_a_benchmark_of_any_name_runs_after_the_built_in_ones() -> None:
    raw = profile({"s": scenario(STEP)})
    full = load_profile("quick").model_dump(mode="json", by_alias=True)["benchmarks"]
    raw["benchmarks"] |= {"end_to_end": full["end_to_end"]}

    own = validate_profile(raw, "own.toml")

    assert own.benchmark_names == ["end_to_end", "shop"]
    assert validate_profile(json.loads(own.as_json), "history") == own


def test_a_step_reads_back_with_all_its_keys() -> None:
    step = {
        "name": "buy",
        "group": "cart",
        "method": "POST",
        "path": "/cart/${vu}?x=1",
        "query": {"page": 2, "q": "${random.choice(a|b)}"},
        "headers": {"X-Trace": "${uuid}"},
        "json": {"n": "${iteration}", "list": [1, "${random.int(1,6)}", None, True]},
        "expect": {"status": 201, "json": {"$.id": "exists", "$.n": 3}, "duration": "2s"},
        "save": {"id": "$.items[0].id", "place": "header:Location"},
        "thinkTime": "1s..3s",
        "timeout": "5s",
    }
    own = validate_profile(profile({"s": scenario(step, thinkTime="1s")}), "own.toml")
    parameters = own.benchmarks["shop"].scenarios["s"].parameters
    assert isinstance(parameters, HttpStepsParameters)
    (read,) = parameters.steps

    assert read.operation == "cart::buy"
    assert read.checks == (
        "status is 201",
        "duration < 2s",
        "$.id exists",
        "$.n is 3",
        "saved id",
        "saved place",
    )
    assert (read.think_time_us, read.timeout_us) == ((1_000_000, 3_000_000), 5_000_000)
    assert validate_profile(json.loads(own.as_json), "history") == own


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ({"path": "/${tokn}"}, "steps[0].path: ${tokn} is neither a variable nor saved"),
        ({"path": "/${vus}"}, "did you mean vu?"),
        ({"path": "/${vu"}, "has ${ without a closing }"),
        ({"path": "/${random.int(9,1)}"}, "must have the smaller number first"),
        ({"path": "/${random.int(a)}"}, "needs two whole numbers"),
        ({"path": "/${random.choice(a||b)}"}, "has an empty choice"),
        ({"path": "/${vu|number}"}, "|number can be used only with columns of data"),
        ({"path": "/${data.users.email}"}, "names no data set; the data sets are none"),
        ({"path": "/${env.TOKEN}"}, "would put a secret into an address"),
        ({"path": "/${id}", "save": {"id": "$.id"}}, "used before the step that saves it"),
        ({"path": "home"}, "is not a path on the target; a path begins with /"),
        ({"path": "http://other.example/"}, "is not a path on the target"),
        ({"path": "/a b"}, "is not a path on the target"),
        ({"path": "${uuid}"}, "is not a path on the target"),
        ({"path": "${nxt}"}, "steps[0].path: ${nxt} is neither a variable nor saved"),
        (
            {"path": "${next}", "query": {"a": 1}},
            "steps[0].query: can't stand beside the path ${next}, which is a link with its own",
        ),
        ({"json": {"a": 1}}, "is a GET with json; only POST, PUT, PATCH and DELETE have a body"),
        (
            {"method": "POST", "json": 1, "form": {}},
            "has json and form; a request has only one body, so keep one of them",
        ),
        ({"method": "FETCH"}, "method is 'FETCH'; it must be"),
        ({"headers": {"Content-Length": "3"}}, "is a header that the client sets itself"),
        ({"headers": {"X y": "3"}}, "'X y' is not a valid name of a header"),
        ({"headers": {"X": "a\nb"}}, "a character that a header can't carry"),
        ({"expect": {"status": 99}}, "99 is not an HTTP status"),
        ({"expect": {"json": {"id": 1}}}, "'id' is not a JSON path; a path begins with $"),
        ({"expect": {"json": {"$.a[*]": 1}}}, "could lead to several places (at '[*]')"),
        ({"expect": {"statsu": 200}}, "expect.statsu is not a known key; did you mean status"),
        ({"save": {"id": "id"}}, "save.id: 'id' is not a JSON path"),
        ({"save": {"vu": "$.id"}}, "save.vu: 'vu' is already a variable"),
        ({"name": "a,b"}, "'a,b' is not a valid name"),
        ({"thinkTime": "3s..1s"}, "has the larger duration first"),
        ({"timeout": "0s"}, "timeout: 0s is too short; the duration must be more than 0s"),
    ],
)
def test_a_wrong_step_is_refused_with_what_would_be_right(step: Table, sentence: str) -> None:
    found = mistakes(profile({"s": scenario({**STEP, **step})}))

    assert any(sentence in problem for problem in found), found
    assert all(problem.startswith("parameters.steps[0]") for problem in found)


def test_a_value_of_the_scenarios_env_may_stand_where_a_secret_may_not() -> None:
    step = {
        **STEP,
        "path": "/${env.PLACE}",
        "query": {"q": "${env.PLACE}"},
        "expect": {"json": {"$.at": "${env.PLACE}"}},
    }
    right = {**scenario(step), "env": {"PLACE": "here"}}

    own = validate_profile(profile({"s": right}), "own.toml")

    assert own.benchmarks["shop"].scenarios["s"].env == {"PLACE": "here"}
    assert validate_profile(json.loads(own.as_json), "history") == own
    (path, query, check) = mistakes(profile({"s": {**right, "env": {"OTHER": "x"}}}))
    for place, found in (("path", path), ("query.q", query), ("expect.json.$.at", check)):
        assert found.startswith(f"parameters.steps[0].{place}: ${{env.PLACE}} would put a secret")
        assert "if it is not secret, write it into the scenario's env" in found


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"PLACE": 5}, "env.PLACE is 5; it must be a text in quotes"),
        ({"PLACE": True}, "env.PLACE is True; it must be a text in quotes"),
        ({"PLACE": ["a"]}, "env.PLACE is ['a']; it must be a text in quotes"),
        ("PLACE=here", "env is 'PLACE=here'; it must be a table"),
        ({"A-B": "x"}, "'A-B' is not a valid name; use letters, digits and _"),
        ({"TOKEN": "x"}, "env.TOKEN is also the name of a secret (auth, secrets)"),
    ],
)
def test_a_wrong_env_is_one_sentence(env: object, sentence: str) -> None:
    raw = profile({"s": {**scenario(STEP, auth={"bearerEnv": "TOKEN"}), "env": env}})

    (found,) = mistakes(raw)

    assert sentence in found


def test_mistakes_of_all_steps_are_named_at_once() -> None:
    raw = profile(
        {
            "s": scenario(
                {**STEP, "pth": 1},
                {"name": "b", "path": "/${one}"},
                {"name": "b", "path": "/${data.users.x}"},
                headers={"X": "${two}"},
                data={"users": {"values": ["a"]}, "both": {"csv": "a.csv", "values": ["b"]}},
                auth={"bearerEnv": "A", "basicEnv": "B"},
            )
        }
    )
    text = "\n".join(mistakes(raw))

    for sentence in (
        "steps[0].pth is not a known key; did you mean path",
        "steps[1].path: ${one} is neither",
        (
            "steps[2].path: ${data.users.x} names a column that does not exist; "
            "data.users has only 'value'"
        ),
        "steps[2].name: 'b' is already the name of an earlier step",
        "headers.X: ${two} is neither",
        "data.both: names csv and values; write exactly one",
        "auth: must have either bearerEnv or basicEnv, and not both",
    ):
        assert sentence in text


@pytest.mark.parametrize(
    ("benchmark", "scenarios", "sentence"),
    [
        ("redis_cache", {}, "benchmarks.redis_cache is not a known benchmark"),
        (
            "mixed",
            {"a": scenario(STEP), "b": {**PLAN, "exec": "read_user"}},
            "mixed is not a known benchmark",
        ),
        ("../up", {"s": scenario(STEP)}, "benchmarks.../up is not a valid name"),
        ("queue_produce", {"s": scenario(STEP)}, "can't run in queue_produce"),
        ("shop", {"s": {**PLAN, "exec": "shop.flows"}}, "'shop.flows' is not a known exec"),
        (
            "shop",
            {"a": scenario(STEP), "b": scenario({**STEP, "expect": {"status": 200}})},
            "'home' has other checks in scenario a",
        ),
    ],
)
def test_own_scenarios_run_only_where_their_figures_mean_something(
    benchmark: str, scenarios: Table, sentence: str
) -> None:
    assert any(sentence in mistake for mistake in mistakes(profile(scenarios, benchmark)))


def test_a_scenario_that_takes_any_certificate_is_announced() -> None:
    raw = profile({"s": scenario(STEP, insecureSkipVerify=True), "t": scenario(STEP)})

    (notice,) = own_notices(validate_profile(raw, "own.toml"))

    assert notice.startswith("scenario s of shop accepts any certificate (insecureSkipVerify)")


def test_a_scenario_over_httpx_own_transport_is_announced_and_http2_alone_is_not() -> None:
    httpx = {**PLAN, "exec": "shop.flows:visit", "parameters": {"transport": "httpx"}}
    raw = profile({"s": httpx, "t": scenario(STEP, http2=True)})

    (notice,) = own_notices(validate_profile(raw, "own.toml"))

    assert notice.startswith("scenario s of shop uses httpx's own transport")


def test_the_authorities_of_enabled_own_scenarios_are_gathered_from_beside_the_profile() -> None:
    scenarios = {"s": scenario(STEP, caFile="a.pem"), "t": scenario(STEP, caFile="b.pem")}
    raw = {**profile(scenarios), "folder": "/there"}

    assert trust_of(validate_profile(raw, "own.toml")) == Trust(
        (Path("/there/a.pem"), Path("/there/b.pem")), anybody=False
    )
    raw["benchmarks"]["shop"]["enabled"] = False
    assert trust_of(validate_profile(raw, "own.toml")) == Trust()
