"""Texts of a profile that are too long, empty or of other letters: what a mistake says of them."""

from typing import Any

import pytest

from perf_pipeline_tests.support.refused_profiles import shop, the_answer_to


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"name": "My Shop"},
            (
                "name is 'My Shop'; it must be a small letter, then at most 40 small letters, "
                "digits, _ or -"
            ),
        ),
        ({"question": {"text": ""}}, "question.text is empty; write a text"),
        (
            {"question": {"text": "a\nb"}},
            r"question.text is 'a\nb'; it must be one line without control characters",
        ),
    ],
    ids=["name", "empty", "two lines"],
)
def test_a_text_that_a_profile_cannot_have_is_answered_in_words(
    change: dict[str, Any], sentence: str
) -> None:
    assert sentence in the_answer_to({**shop(), **change})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"assetGroup": "my shop"},
            "assetGroup is 'my shop'; it must be at most 60 letters from A to Z, digits or _",
        ),
        ({"description": "x" * 2001}, "description has 2,001 letters; it may have at most 2,000"),
    ],
    ids=["group", "long"],
)
def test_a_benchmark_that_is_described_wrongly_is_answered_in_words(
    change: dict[str, Any], sentence: str
) -> None:
    assert f"benchmarks.orders.{sentence}" in the_answer_to(shop(**change))


def test_a_benchmark_without_scenarios_is_answered_in_words() -> None:
    raw = {"name": "shop", "benchmarks": {"api_user_creation": {"scenarios": {}}}}

    sentence = "benchmarks.api_user_creation.scenarios is empty; it needs at least one entry"
    assert the_answer_to(raw) == sentence
