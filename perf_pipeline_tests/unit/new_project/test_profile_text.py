"""The text of a new profile is the draft, whatever strangers' texts hold."""

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf_pipeline.errors import RequestError
from perf_pipeline.new_project.draft import Draft, DraftBenchmark, DraftStep
from perf_pipeline.new_project.fitting import fitted
from perf_pipeline.new_project.loads import FirstLoad
from perf_pipeline.new_project.names import module_name, operation_name, project_name, saved_name
from perf_pipeline.new_project.profile_text import profile_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e6, 1e6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def draft_of(*steps: DraftStep, left_out: tuple[str, ...] = ()) -> Draft:
    visits = DraftBenchmark(
        "visits", "visitors", "http_steps", FirstLoad().executor(steps), steps=steps
    )
    target = {"baseUrl": "http://127.0.0.1:8080"}
    return Draft("shop", "a test", "Does it?", target, (visits,), left_out=left_out)


@settings(max_examples=25)
@given(VALUES, TEXTS, st.lists(TEXTS, max_size=3))
def test_what_is_written_is_read_again(value: Any, text: str, told: list[str]) -> None:
    step = DraftStep("look", "POST", "/", {text: text}, body={"json": value}, remarks=told)
    draft = draft_of(step, left_out=tuple(told))

    assert tomllib.loads(profile_text(draft)) == draft.table


def test_a_step_that_a_profile_refuses_is_told_in_it() -> None:
    steps = [
        DraftStep("look", "GET", "/orders", save={"order": "$.id"}),
        DraftStep("odd", "GET", "/a b", save={"found": "$[*]"}),
        DraftStep("later", "GET", "/${found}"),
    ]

    draft = fitted(draft_of(*steps))

    assert [step.name for step in draft.benchmarks[0].steps] == ["look"]
    assert [told.partition(":")[0] for told in draft.left_out] == ["GET /a b", "GET /${found}"]
    assert "# - GET /a b: path: '/a b' is not a path on the target" in profile_text(draft)


def test_a_source_without_any_request_is_refused() -> None:
    with pytest.raises(RequestError, match="there is nothing to load in a test"):
        fitted(draft_of())


@pytest.mark.parametrize(
    ("text", "name", "module"),
    [
        ("shop", "shop", "shop_speed"),
        ("My Shop (new)", "my-shop-new", "my_shop_new_speed"),
        ("2nd", "target-2nd", "target_2nd_speed"),
        ("世界", "target", "target_speed"),
        ("x" * 60, "x" * 41, f"{'x' * 41}_speed"),
    ],
)
def test_a_folder_gives_its_name(text: str, name: str, module: str) -> None:
    assert project_name(text) == name
    assert module_name(project_name(text)) == module


def test_names_of_operations_are_unique_and_can_stand_in_thresholds() -> None:
    first = operation_name("GET /orders/{id}: 'all'", [])

    assert first == "GET /orders/id all"
    assert operation_name("GET /orders/{id}: 'all'", [first]) == "GET /orders/id all 2"
    assert len(operation_name("x" * 90, ["x" * 80])) == 80


@pytest.mark.parametrize(
    ("key", "before", "name"),
    [
        ("id", "orders", "order_id"),
        ("orderNumber", "", "order_number"),
        ("id", "categories", "category_id"),
        ("run", "", "saved_run"),
        ("1st", "", "saved_1st"),
        ("id", "", "id"),
    ],
)
def test_a_saved_value_is_named_after_its_member(key: str, before: str, name: str) -> None:
    assert saved_name(key, before, []) == name
    assert saved_name(key, before, [name]) == f"{name}_2"


def test_a_long_flow_gets_the_virtual_users_and_the_time_that_it_needs() -> None:
    # 3 requests of a slow second each and 57 s of pauses are 60 s, at 2 per second 120 VUs; half
    # as many again are 180.
    steps = [DraftStep("a", "GET", "/", think_time="50s..57s"), *2 * [DraftStep("b", "GET", "/")]]

    load = FirstLoad(rate=2, duration="30s").executor(steps)

    assert (load["preAllocatedVUs"], load["duration"], load["gracefulStop"]) == (180, "1m", "120s")
