"""Twenty typos in thresholds and names: each is answered with the right word in one sentence.

A typo leaves a letter out, doubles or swaps one, or writes a word as another tool does.
"""

from pathlib import Path

import pytest

from perf_pipeline.config.loading import load_profile
from perf_pipeline.errors import ProfileError
from perf_pipeline_tests.support.refused_profiles import ARRIVALS, shop, the_answer_to

METRICS = [
    ("http_req_durations", "http_req_duration"),
    ("http_request_duration", "http_req_duration"),
    ("http_req_fail", "http_req_failed"),
    ("http_req_faild", "http_req_failed"),
    ("http_reqests", "http_reqs"),
    ("http_req", "http_reqs"),
    ("check", "checks"),
    ("chekcs", "checks"),
    ("respones_time", "response_time"),
    ("responsetime", "response_time"),
    ("error", "errors"),
    ("iteration", "iterations"),
    ("iteration_durations", "iteration_duration"),
    ("droped_iterations", "dropped_iterations"),
    ("target_answerd", "target_answered"),
    ("http_req_wating", "http_req_waiting"),
    ("http_req_conecting", "http_req_connecting"),
    ("data_recieved", "data_received"),
    ("datasent", "data_sent"),
    ("vus_maxx", "vus_max"),
]


@pytest.mark.parametrize(("typo", "right"), METRICS)
def test_a_misspelt_metric_is_answered_with_the_metric(typo: str, right: str) -> None:
    answer = the_answer_to(shop(thresholds={typo: ["rate<1"]}))

    assert answer.startswith(f"benchmarks.orders.thresholds.{typo}: ")
    assert answer.endswith(f"; did you mean {right}?")


EXPRESSIONS = [
    ("p95<1000", "p(95)<1000"),
    ("p(95<1000", "p(95)<1000"),
    ("p95)<1000", "p(95)<1000"),
    ("p[95]<1000", "p(95)<1000"),
    ("P(95)<1000", "p(95)<1000"),
    ("p99.9<20", "p(99.9)<20"),
    ("p_95<1000", "p(95)<1000"),
    ("pct(95)<1000", "p(95)<1000"),
    ("percentile(95)<1000", "p(95)<1000"),
    ("p(95)=<1000", "p(95)<=1000"),
    ("p(95)<1000ms", "p(95)<1000"),
    ("mean<500", "avg<500"),
    ("average<500", "avg<500"),
    ("agv<500", "avg<500"),
    ("median<500", "med<500"),
    ("maximum<500", "max<500"),
    ("Max<500", "max<500"),
    ("minn<5", "min<5"),
    ("max=500", "max==500"),
    ("med <500 ms", "med<500"),
]


@pytest.mark.parametrize(("typo", "right"), EXPRESSIONS)
def test_a_misspelt_expression_is_answered_with_the_expression(typo: str, right: str) -> None:
    answer = the_answer_to(shop(thresholds={"http_req_duration": [typo]}))

    assert f"threshold {typo!r} is not understood" in answer
    assert answer.endswith(f"; did you mean {right!r}?")


BENCHMARKS = [
    ("api_user_creatoin", "api_user_creation"),
    ("api_user_create", "api_user_creation"),
    ("user_creation", "api_user_creation"),
    ("api_mixed_operation", "api_mixed_operations"),
    ("api_mixd_operations", "api_mixed_operations"),
    ("mixed_operations", "api_mixed_operations"),
    ("database_benchmarks", "database_benchmark"),
    ("databse_benchmark", "database_benchmark"),
    ("cache_benchmarks", "cache_benchmark"),
    ("cahce_benchmark", "cache_benchmark"),
    ("queue_production", "queue_produce"),
    ("queue_prodcue", "queue_produce"),
    ("queue_consum", "queue_consume"),
    ("que_consume", "queue_consume"),
    ("end_to_ends", "end_to_end"),
    ("end2end", "end_to_end"),
    ("endtoend", "end_to_end"),
    ("day_simulaton", "day_simulation"),
    ("day_simulations", "day_simulation"),
    ("daysimulation", "day_simulation"),
]


@pytest.mark.parametrize(("typo", "right"), BENCHMARKS)
def test_a_misspelt_benchmark_is_answered_with_the_benchmark(typo: str, right: str) -> None:
    raw = shop()
    raw["benchmarks"][typo] = {"scenarios": {"look": {**ARRIVALS, "exec": "create_user"}}}

    answer = the_answer_to(raw)

    assert answer.startswith(f"benchmarks.{typo} is not a known benchmark")
    assert answer.endswith(f"; did you mean {right}?")


OPERATIONS = [
    ("lst", "list"),
    ("lists", "list"),
    ("List", "list"),
    ("liist", "list"),
    ("listt", "list"),
    ("auth::logn", "auth::login"),
    ("auth::log-in", "auth::login"),
    ("auth::Login", "auth::login"),
    ("auth:login", "auth::login"),
    ("login", "auth::login"),
    ("aut::login", "auth::login"),
    ("auth::logins", "auth::login"),
    ("auth::signin", "auth::login"),
    ("oauth::login", "auth::login"),
    ("pya", "pay"),
    ("pays", "pay"),
    ("Pay", "pay"),
    ("payy", "pay"),
    ("p-ay", "pay"),
    ("repay", "pay"),
]


@pytest.mark.parametrize(("typo", "right"), OPERATIONS)
def test_an_operation_that_no_step_makes_is_answered_with_the_operation(
    tmp_path: Path, typo: str, right: str
) -> None:
    look = (
        LOOK_TOML
        + f"""
[benchmarks.orders.thresholds]
"http_req_duration{{operation:{typo}}}" = ["p(95)<500"]
"""
    )
    path = tmp_path / "shop.toml"
    path.write_text(look, encoding="utf-8")

    with pytest.raises(ProfileError) as caught:
        load_profile(str(path))

    (answer,) = caught.value.problems
    assert f"no scenario has the operation {typo!r}; there are list, auth::login, pay" in answer
    assert answer.endswith(f"; did you mean {right}?")


LOOK_TOML = """
name = "shop"
[benchmarks.orders.scenarios.look]
exec = "http_steps"
executor = "constant-vus"
vus = 1
duration = "1s"
[[benchmarks.orders.scenarios.look.parameters.steps]]
name = "list"
path = "/orders"
[[benchmarks.orders.scenarios.look.parameters.steps]]
name = "login"
group = "auth"
path = "/login"
expect = { status = 200 }
[[benchmarks.orders.scenarios.look.parameters.steps]]
name = "pay"
path = "/pay"
"""


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("http_reqs{scenario:look,operation:lst}", "scenario look has no operation 'lst'"),
        ("checks{check:status is 20}", "no scenario has the check 'status is 20'"),
        ("checks{operation:list,check:status is 200}", "no scenario has the check"),
        ("http_reqs{outcome:okay}", "no scenario has the outcome 'okay'"),
        ("http_reqs{scenario:lok}", "scenario 'lok' is not one of look; did you mean look?"),
        ("http_reqs{operatoin:list}", "did you mean operation?"),
    ],
)
def test_a_filter_that_matches_nothing_is_refused_before_the_load(
    tmp_path: Path, key: str, sentence: str
) -> None:
    path = tmp_path / "shop.toml"
    thresholds = f'[benchmarks.orders.thresholds]\n"{key}" = ["rate>0.5"]\n'
    path.write_text(LOOK_TOML + thresholds, encoding="utf-8")

    with pytest.raises(ProfileError) as caught:
        load_profile(str(path))

    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("list", []),
        ("lst", ["no scenario has the operation 'lst'; there are list, auth::login, pay"]),
    ],
)
def test_a_misspelt_scenario_of_a_filter_hides_no_operation_that_is_there(
    tmp_path: Path, operation: str, more: list[str]
) -> None:
    key = f"http_reqs{{scenario:lok,operation:{operation}}}"
    path = tmp_path / "shop.toml"
    thresholds = f'[benchmarks.orders.thresholds]\n"{key}" = ["rate>0.5"]\n'
    path.write_text(LOOK_TOML + thresholds, encoding="utf-8")

    with pytest.raises(ProfileError) as caught:
        load_profile(str(path))

    where = f"benchmarks.orders.thresholds.{key}: "
    told = [
        problem.removeprefix(where).partition("; did you mean")[0]
        for problem in caught.value.problems
    ]
    assert told == ["scenario 'lok' is not one of look", *more]


FILES = [
    ("shopp.toml", "shop.toml"),
    ("shp.toml", "shop.toml"),
    ("Shop.toml", "shop.toml"),
    ("shop.tml.toml", "shop.toml"),
    ("sohp.toml", "shop.toml"),
]


@pytest.mark.parametrize(("typo", "right"), FILES)
def test_a_file_that_is_not_there_is_answered_with_the_one_beside_it(
    tmp_path: Path, typo: str, right: str
) -> None:
    (tmp_path / right).write_text(LOOK_TOML, encoding="utf-8")

    with pytest.raises(ProfileError) as caught:
        load_profile(str(tmp_path / typo))

    (answer,) = caught.value.problems
    assert answer == f"it can't be read: No such file or directory; did you mean {right}?"
    assert "Errno" not in str(caught.value)


@pytest.mark.parametrize("typo", ["shop.tml", "shop.tom", "shp.tml", "shop.toml~", "shop.yaml"])
def test_a_file_with_another_ending_is_answered_with_the_profile_beside_it(
    tmp_path: Path, typo: str
) -> None:
    (tmp_path / "shop.toml").write_text(LOOK_TOML, encoding="utf-8")
    (tmp_path / "shop.tml.orig").write_text("", encoding="utf-8")

    with pytest.raises(ProfileError) as caught:
        load_profile(str(tmp_path / typo))

    (answer,) = caught.value.problems
    assert answer.endswith("; did you mean shop.toml?")


@pytest.mark.parametrize(
    ("typo", "right"),
    [("quik", "quick"), ("Quick", "quick"), ("fulll", "full"), ("wekly", "weekly")],
)
def test_a_misspelt_profile_is_answered_with_the_profile(typo: str, right: str) -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile(typo)

    assert f"did you mean {right}?" in str(caught.value)
