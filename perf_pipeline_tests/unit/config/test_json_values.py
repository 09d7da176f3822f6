"""A value is found where its path leads, and nothing where JSON has nothing."""

import pytest

from perf_pipeline.config.json_path import parse_json_path
from perf_pipeline.config.json_values import ABSENT, read_json, same_json, value_at


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.id", 7),
        ("$.items[1]", None),
        ("$.items[-2].name", "a"),
        ("$['odd name']", True),
    ],
)
def test_a_value_is_found_at_its_place(path: str, found: object) -> None:
    document = read_json(b'{"id": 7, "items": [{"name": "a"}, null], "odd name": true}')

    assert value_at(document, parse_json_path(path)) == found


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{}", "$.id"),
        ('{"id": {}}', "$.id[0]"),
        ('{"id": []}', "$.id[0]"),
        ('{"id": []}', "$.id.name"),
        ('{"id": 7}', "$.id.name"),
        ('{"id": null}', "$.id.name"),
        # An index is for arrays (RFC 9535, 2.3.3): a letter of a text is nothing.
        ('{"id": "abc"}', "$.id[0]"),
        ("<html>", "$.id"),
        ("", "$"),
        ("[" * 100_000, "$"),
    ],
)
def test_what_is_not_there_is_absent(text: str, path: str) -> None:
    assert value_at(read_json(text), parse_json_path(path)) is ABSENT


@pytest.mark.parametrize(
    ("left", "right", "is_same"),
    [
        ("1", "1.0", True),
        ('{"a": 1, "b": [null]}', '{"b": [null], "a": 1}', True),
        ("true", "true", True),
        ("true", "1", False),
        ("0", "false", False),
        ('{"a": [true]}', '{"a": [1]}', False),
        ("[1, 2]", "[1]", False),
        ("null", "0", False),
        ("[]", "{}", False),
        ('""', "null", False),
    ],
)
def test_values_are_the_same_where_json_has_the_same(left: str, right: str, is_same: bool) -> None:
    """RFC 8259, 3: true and false are literals, and no numbers."""
    assert same_json(read_json(left), read_json(right)) is is_same
