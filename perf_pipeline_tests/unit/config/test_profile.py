"""Profiles: the shipped ones hold the target's numbers, wrong ones name every mistake."""

import json
import tomllib
from itertools import accumulate
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from perf_pipeline.benchmarks.registry import NAMES
from perf_pipeline.config.executors.constant_arrival_rate import ConstantArrivalRate
from perf_pipeline.config.executors.constant_vus import ConstantVUs
from perf_pipeline.config.executors.ramping_vus import RampingVUs
from perf_pipeline.config.executors.registry import read_executor
from perf_pipeline.config.loading import SHIPPED, load_profile, validate_profile
from perf_pipeline.errors import ExitCode, ProfileError
from perf_pipeline.plan.vus import VuStep, reserved_steps

ORACLE: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "k6_config_cases.json").read_text(encoding="utf-8")
)["configs"]
NO_COUNTERPART = {"X080"}  # options.browser configures k6's browser module
NOT_OURS = {"env", "exec", "tags"}  # keys of a k6 scenario that are not the executor's


def readable(case: dict[str, Any]) -> dict[str, Any] | None:
    try:
        scenarios = json.loads(case["json"])
    except ValueError:
        return None
    return scenarios if isinstance(scenarios, dict) else None


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, id=c["id"]) for c in ORACLE if readable(c) and c["id"] not in NO_COUNTERPART],
)
def test_a_scenario_is_legal_where_k6_finds_it_legal(case: dict[str, Any]) -> None:
    legal = True
    for scenario in (readable(case) or {}).values():
        own = {key: value for key, value in scenario.items() if key not in NOT_OURS}
        try:
            read_executor(own)
        except ValidationError:
            legal = False
    expected = case["expected"]

    assert legal is not (expected["parse_error"] or expected["validation_error"])


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, id=c["id"]) for c in ORACLE if "max_planned_vus" in c["expected"]],
)
def test_a_plan_needs_as_many_vus_and_as_long_as_k6_plans(case: dict[str, Any]) -> None:
    planned: list[tuple[int, int]] = []  # (when, change of the VUs), of all scenarios together
    end_us = possible = 0
    for scenario in json.loads(case["json"]).values():
        own = {k: v for k, v in scenario.items() if k not in NOT_OURS | {"options"}}
        executor = read_executor(own)
        steps = _reserved(executor)
        planned += [
            (executor.start_time_us + now.at_us, now.vus - before)
            for before, now in zip((0, *(step.vus for step in steps)), steps, strict=False)
        ]
        end_us = max(end_us, executor.start_time_us + steps[-1].at_us)
        possible = max(possible, executor.most_vus)
    running = list(accumulate(change for _, change in sorted(planned, key=itemgetter(0))))
    expected = case["expected"]

    assert end_us == expected["total_end_offset_ms"] * 1_000
    assert max(running) == expected["max_planned_vus"]
    assert max(possible, *running) == expected["max_possible_vus"]


def _reserved(executor: Any) -> list[VuStep]:
    if isinstance(executor, ConstantVUs | RampingVUs):
        return reserved_steps(executor)
    first = getattr(executor, "pre_allocated_vus", executor.most_vus)
    return [VuStep(0, first), VuStep(executor.length_us + executor.graceful_stop_us, 0)]


@pytest.mark.parametrize(
    ("scenario", "legal"),
    [
        ({"startVUs": 100_000_000, "stages": [{"duration": "1s", "target": 1}]}, True),
        ({"startVUs": 100_000_001, "stages": [{"duration": "1s", "target": 1}]}, False),
        ({"startVUs": 1, "stages": [{"duration": "1s", "target": 100_000_001}]}, False),
    ],
)
def test_ramping_vus_end_at_k6s_limit(scenario: dict[str, Any], legal: bool) -> None:
    # grafana/k6 lib/executor/ramping_vus.go: maxConcurrentVUs is 100,000,000
    whole = {"executor": "ramping-vus", **scenario}
    if legal:
        assert read_executor(whole).most_vus == 100_000_000
        return

    with pytest.raises(
        ValidationError, match="100000001 VUs are too many; there can be at most 100000000"
    ):
        read_executor(whole)


@pytest.mark.parametrize("name", ["a b", "", "a/../b", "größe", "a.b\n"])
def test_a_scenario_is_named_as_k6_lets_it_be_named(name: str) -> None:
    # grafana/k6 lib/executor/base_config.go: ^[0-9a-zA-Z_-]+$
    plan = {"executor": "constant-vus", "duration": "2s", "exec": "create_user"}
    raw = {**json.loads(load_profile("quick").as_json), "benchmarks": {}}
    raw["benchmarks"]["end_to_end"] = {"scenarios": {name: plan}}

    with pytest.raises(
        ProfileError, match="can't be the name of a scenario; use letters, digits, _ and -"
    ):
        validate_profile(raw, "own.toml")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scenarios.create_users.graceful_stop_us", "1s"),
        ("scenarios.create_users.parameters.think_time_us", "1s"),
        ("thresholds.http_reqs", [{"threshold": "count>0", "abort_on_fail": True}]),
        ("drain_timeout_us", "1s"),
    ],
)
def test_the_spelling_of_the_code_is_no_key_of_a_profile(key: str, value: object) -> None:
    """A key that is read under two names could be given twice, and one of them be ignored."""
    with pytest.raises(ProfileError, match="is not a known key"):
        load_profile("quick", {f"benchmarks.end_to_end.{key}": value})


@pytest.mark.parametrize("duration", [[1], {"s": 1}, float("inf")])
def test_a_duration_of_another_type_is_a_sentence(duration: object) -> None:
    path = "benchmarks.end_to_end.scenarios.create_users.duration"

    with pytest.raises(ProfileError, match="duration: .* is not a duration"):
        load_profile("quick", {path: duration})


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_profile_is_valid_and_has_every_benchmark_or_breaks_one(name: str) -> None:
    profile = load_profile(name)

    assert profile.name == name
    benchmarks = ["end_to_end"] if name == "resilience" else NAMES
    assert set(profile.benchmarks) == set(benchmarks)
    assert bool(profile.benchmarks["end_to_end"].faults) == (name == "resilience")


def test_full_has_the_numbers_of_the_target() -> None:
    """The numbers that the product promises, as a person would look them up."""
    full = load_profile("full").benchmarks
    creation = full["api_user_creation"].scenarios["create_users"].plan
    assert isinstance(creation, RampingVUs)
    thresholds = {
        name: {f"{threshold.key} {threshold.source}" for threshold in config.parsed_thresholds()}
        for name, config in full.items()
    }

    assert [(stage.duration_us / 1_000_000, stage.target) for stage in creation.stages] == [
        (30, 10),
        (60, 50),
        (60, 100),
        (300, 100),
        (120, 200),
        (180, 200),
        (60, 0),
    ]
    assert thresholds["api_user_creation"] >= {
        "http_req_duration p(50)<500",
        "http_req_duration p(95)<1000",
        "http_req_duration p(99)<2000",
        "http_req_failed rate<0.01",
        "success rate>0.99",
        "http_reqs rate>50",
    }
    assert thresholds["api_mixed_operations"] >= {
        "http_req_duration{scenario:create} p(95)<1000",
        "http_req_duration{scenario:read} p(95)<500",
        "http_req_duration{scenario:delete} p(95)<500",
    }
    assert "db_records_per_s{scenario:insert} value>=1000" in thresholds["database_benchmark"]
    assert "messages_per_day value>=1000000" in thresholds["day_simulation"]
    rates = {
        name: scenario.plan.rate
        for name, scenario in full["queue_produce"].scenarios.items()
        if isinstance(scenario.plan, ConstantArrivalRate) and name.startswith("idempotent")
    }
    assert rates == {"idempotent_12": 12, "idempotent_100": 100, "idempotent_1000": 1_000}


def test_a_profile_with_many_mistakes_names_every_one_with_path_value_and_remedy() -> None:
    end_to_end = "benchmarks.end_to_end"
    with pytest.raises(ProfileError) as caught:
        load_profile(
            "quick",
            {
                "seeding.users": "many",
                "sead": 1,
                f"{end_to_end}.scenarios.create_users.rate": -5,
                f"{end_to_end}.scenarios.create_users.duration": "10x",
                f"{end_to_end}.scenarios.create_users.parameters": {"timeout": "0s"},
                f"{end_to_end}.thresholds.http_reqs": ["p(95)<3"],
                "benchmarks.queue_produce.scenarios.ceiling.executor": "constant-rate",
                "benchmarks.queue_consume.scenarios.consume.exec": "devour",
                "benchmarks.queue_consume.thresholds": {"consume_rate{scenario:eat}": ["value>1"]},
                "benchmarks.redis_cache": {"scenarios": {}},
                "target": "prod",
            },
        )
    text = "\n".join(caught.value.problems)

    assert caught.value.exit_code is ExitCode.INVALID_CONFIGURATION
    for sentence in (
        "seeding.users is 'many'; it must be a whole number",
        "sead is not a known key; did you mean seed?",
        f"{end_to_end}.scenarios.create_users.rate is -5; it must be between 1 and 1,000,000,000",
        f"{end_to_end}.scenarios.create_users.duration: '10x' is not a duration",
        f"{end_to_end}.scenarios.create_users.parameters.timeout is 0s; it must be more than 0s",
        "http_reqs is a counter and has only: count, rate",
        "ceiling.executor is 'constant-rate'; it must be one of constant-vus",
        "consume.exec: 'devour' is not a known exec; write one of create_user",
        "scenario 'eat' is not one of consume, produce_live",
        "benchmarks.redis_cache is not a known benchmark",
        "target is 'prod'; the targets of this profile are local",
    ):
        assert sentence in text


def test_a_profile_reads_back_from_what_the_history_keeps() -> None:
    for profile in map(load_profile, SHIPPED):
        again = validate_profile(json.loads(profile.as_json), "history")

        assert again == profile
        assert again.config_hash == profile.config_hash
        for name, config in profile.benchmarks.items():  # verdicts are numbered in this order
            assert list(again.benchmarks[name].thresholds) == list(config.thresholds)
            assert list(again.benchmarks[name].scenarios) == list(config.scenarios)


def test_moving_a_bound_keeps_the_series_and_moving_the_load_starts_a_new_one() -> None:
    base = load_profile("quick")
    bound = load_profile("quick", {"benchmarks.end_to_end.thresholds": {"http_reqs": ["rate>1"]}})
    load = load_profile("quick", {"benchmarks.end_to_end.scenarios.create_users.rate": 51})
    think = load_profile(
        "quick",
        {"benchmarks.end_to_end.scenarios.create_users.parameters": {"thinkTime": "1ms"}},
    )

    assert bound.load_hash("end_to_end") == base.load_hash("end_to_end")
    assert bound.config_hash != base.config_hash
    assert load.load_hash("end_to_end") != base.load_hash("end_to_end")
    assert think.load_hash("end_to_end") != base.load_hash("end_to_end")


def test_calibration_is_on_by_default_and_then_no_history_starts_anew() -> None:
    base, off = load_profile("quick"), load_profile("quick", {"calibration": False})

    # A history that was begun before the key existed has hashes of a text without it.
    assert base.calibration
    assert '"calibration"' not in base.as_json
    assert not validate_profile(json.loads(off.as_json), "history").calibration
    assert off.load_hash("end_to_end") == base.load_hash("end_to_end")


def test_env_is_part_of_the_load_and_without_it_no_series_starts_anew() -> None:
    key = "benchmarks.end_to_end.scenarios.create_users.env"
    base = load_profile("quick")
    one, other = (load_profile("quick", {key: {"PLACE": place}}) for place in "ab")

    # A history that was begun before the key existed has hashes of a text without it.
    assert '"env"' not in base.as_json
    assert load_profile("quick", {key: {}}).as_json == base.as_json
    assert len({run.load_hash("end_to_end") for run in (base, one, other)}) == 3


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("absent.toml", None, "can't be read"),
        ("fast", None, "there is no shipped profile of this name; choose one of quick, ci, full"),
        ("broken.toml", "name = ", "not valid TOML"),
        (
            "strange.toml",
            'extends = "fast"\nname = "x"',
            "extends is 'fast'; it must be one of quick",
        ),
    ],
)
def test_a_file_that_is_no_profile_is_named(
    tmp_path: Path, name: str, text: str | None, sentence: str
) -> None:
    path = name
    if name.endswith(".toml"):
        path = str(tmp_path / name)
    if text is not None:
        Path(path).write_text(text, encoding="utf-8")

    with pytest.raises(ProfileError, match=sentence):
        load_profile(path)


def test_an_executor_is_described_in_words() -> None:
    raw = tomllib.loads(
        'executor = "constant-arrival-rate"\nrate = 50\nduration = "5m"\npreAllocatedVUs = 9'
    )

    assert read_executor(raw).description == "50 starts per 1s for 5m, up to 9 VUs"
