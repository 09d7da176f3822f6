"""A tag of a run is a name and a value that every driver takes, or a sentence."""

import pytest

from perf_pipeline.metrics.run_tags import run_tag


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("env=staging", ("env", "staging")),
        ("note=a = b", ("note", "a = b")),
        ("team.shop_1-a= Größe 3 ", ("team.shop_1-a", "Größe 3")),
        (f"{'n' * 40}={'v' * 200}", ("n" * 40, "v" * 200)),
    ],
)
def test_a_tag_is_what_stands_before_and_after_the_first_sign(
    text: str, pair: tuple[str, str]
) -> None:
    assert run_tag(text) == pair


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("staging", "'staging' has no `=`; write NAME=VALUE, such as env=staging"),
        ("=staging", "'' can't be a tag's name"),
        ("my env=x", "'my env' can't be a tag's name"),
        ("-env=x", "'-env' can't be a tag's name"),
        ("größe=x", "can't be a tag's name"),
        ("n" * 41 + "=x", "can't be a tag's name"),
        ("env=", "tag env has no value; write env=VALUE"),
        ("env=  ", "tag env has no value"),
        ("env=a\nb", "is not one line of letters"),
        ("env=\x1b[2J", "is not one line of letters"),
        ("env=\udcff", "is not one line of letters"),
        ("env=" + "x" * 201, "201 characters, and 200 is the most"),
    ],
)
def test_what_is_no_tag_is_refused_in_a_sentence(text: str, told: str) -> None:
    with pytest.raises(ValueError, match="^(?s:.)+$") as refused:
        run_tag(text)

    assert told in str(refused.value)
    assert str(refused.value).isprintable()
