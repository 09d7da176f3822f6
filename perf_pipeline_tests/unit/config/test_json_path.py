"""Paths are read as RFC 9535 writes them, and what names more than one place is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf_pipeline.config.json_path import Place, parse_json_path


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("$", ()),
        ("$.id", ("id",)),
        ("$.user.emails[0]", ("user", "emails", 0)),
        ("$[-1].id", (-1, "id")),
        ("$.größe", ("größe",)),
        ("$.odd-name", ("odd-name",)),  # no name of the RFC, and in many profiles
        ("$['odd name']", ("odd name",)),
        ('$["a.b"]', ("a.b",)),
        ("$['']", ("",)),
        # Blanks and escapes: sections 2.1.1 and 2.3.1.1.
        ("$ .a [ 0 ]", ("a", 0)),
        (r"$['it\'s']", ("it's",)),
        (r"$['a\\b']", (r"a\b",)),
        (r"$['\u00e4\ud83d\ude00\n']", ("ä😀\n",)),
    ],
)
def test_a_path_names_one_place(path: str, place: Place) -> None:
    assert parse_json_path(path) == place


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("id", "'id' is not a JSON path; a path begins with $, like $.id or $[0].id"),
        (
            "$.a[*]",
            "'$.a[*]' could lead to several places (at '[*]'); write only names and indices",
        ),
        ("$..a", "could lead to several places (at \"..['a']\")"),
        ("$[1:2]", "could lead to several places (at '[1:2:1]')"),
        ("$['a', 'b']", "could lead to several places"),
        ("$[?@.id == 7]", "could lead to several places"),
        ("$.a.", "'$.a.' is not a JSON path: expected a shorthand selector; write only names"),
        ("$.a b", "is not a JSON path: unexpected token 'b'"),
        # Section 2.3.3.1: no leading zero, no -0, at most 2^53 - 1.
        ("$[01]", "is not a JSON path: leading zero in index selector"),
        ("$[-0]", "is not a JSON path: "),
        ("$[9007199254740992]", "is not a JSON path: index out of range"),
        ("$[1e9]", "is not a JSON path: it contains a number that can't be read; write only names"),
        ("$[" + "9" * 5_000 + "]", "is not a JSON path: it contains a number that can't be read"),
        ("$[?@.a == 1e999]", "is not a JSON path: it contains a number that can't be read"),
        ("$[?" + "(" * 5_000 + "]", "is not a JSON path: "),
        (r"$['\q']", "is not a JSON path: unknown escape sequence"),
        (r"$['\ud83d']", "is not a JSON path: "),
    ],
)
def test_what_is_no_path_to_one_place_is_told(path: str, sentence: str) -> None:
    with pytest.raises(ValueError, match="is not a|several places") as caught:
        parse_json_path(path)

    assert sentence in str(caught.value)


@given(st.lists(st.sampled_from([*"$.[]'\"\\ab01-9*?@()&|<=>,: u#~^_é", "..", "1e9", "@.a", "=="])))
def test_any_text_is_a_path_or_ends_in_a_sentence(pieces: list[str]) -> None:
    told = "like $.items[0].id"
    try:
        parse_json_path("$" + "".join(pieces))
    except ValueError as error:
        told = str(error)

    assert "like $.items[0].id" in told
