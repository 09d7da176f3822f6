"""The question of a profile: which profiles ask for a million a day, and what is refused."""

from typing import Any

import pytest

from perf_pipeline.config.loading import load_profile, validate_profile
from perf_pipeline.config.questions import answering, asks_for_a_million
from perf_pipeline_tests.support.refused_profiles import shop, the_answer_to


def asking(**question: Any) -> dict[str, Any]:
    return {**shop(thresholds={"http_req_failed": ["rate<0.01"]}), "question": question}


def test_who_enables_the_one_day_simulation_and_asks_nothing_else_asks_for_a_million() -> None:
    off = {"benchmarks.day_simulation.enabled": False}

    assert asks_for_a_million(load_profile("quick"))
    assert not asks_for_a_million(load_profile("quick", off))
    assert not asks_for_a_million(load_profile("quick", {"question.text": "Is it quick?"}))
    assert not asks_for_a_million(validate_profile(asking(text="Is it open?"), "shop.toml"))


def test_a_question_names_the_thresholds_that_answer_it_also_those_by_default() -> None:
    asked = {"orders": ["http_req_failed", "target_answered"]}
    profile = validate_profile(asking(text="Is it open?", thresholds=asked), "shop.toml")

    assert answering(profile) == (("orders", "http_req_failed"), ("orders", "target_answered"))


def test_profiles_without_a_question_keep_their_hashes() -> None:
    assert "question" not in load_profile("quick").as_json


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ({}, "question.text is missing"),
        ({"text": ""}, "question.text"),
        (
            {"text": "?", "thresholds": {"order": ["http_req_failed"]}},
            "question.thresholds.order is not a benchmark of this profile; did you mean orders?",
        ),
        (
            {"text": "?", "thresholds": {"orders": ["http_req_faild"]}},
            (
                "question.thresholds.orders names 'http_req_faild', and orders has no threshold of "
                "that key; did you mean http_req_failed?"
            ),
        ),
        ({"text": "?", "thresholds": {"orders": []}}, "question.thresholds.orders is empty"),
    ],
    ids=["no text", "empty text", "no benchmark", "no threshold", "nothing named"],
)
def test_a_question_that_nothing_can_answer_is_refused(
    question: dict[str, Any], sentence: str
) -> None:
    assert sentence in the_answer_to(asking(**question))
