"""Numbers that fit the rules of a schema; what fits is worked out by hand."""

from typing import Any

import pytest

from perf_pipeline.new_project.made_up_numbers import NoSampleError, made_up_number

INF = float("inf")


@pytest.mark.parametrize(
    ("schema", "is_whole", "value"),
    [
        ({}, True, 1),
        ({"minimum": 6, "multipleOf": 5}, True, 10),
        ({"minimum": 1, "multipleOf": 0.5}, False, 1),
        ({"multipleOf": 2.5}, True, 5),  # 2.5, 5: the first that is whole
        ({"multipleOf": 1.5}, True, 3),
        ({"minimum": 2**60 + 1, "multipleOf": 3}, True, 2**60 + 2),  # 2 ** 60 = 1 modulo 3
        ({"exclusiveMaximum": 10, "minimum": 9, "multipleOf": 3}, True, 9),
        ({"exclusiveMaximum": 10, "multipleOf": 10}, True, 0),
        ({"minimum": 0.3, "maximum": 0.3, "multipleOf": 0.1}, False, 0.3),
        ({"maximum": 5, "multipleOf": 10}, True, 0),
        ({"maximum": -3, "multipleOf": 5}, True, -5),
        ({"minimum": 5, "exclusiveMinimum": True}, True, 6),  # as OpenAPI 3.0 writes it
        ({"minimum": 7, "exclusiveMinimum": 5}, True, 7),
        ({"minimum": 5, "exclusiveMinimum": 5}, True, 6),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 0.5}, False, 0.25),
        ({"exclusiveMinimum": 2}, False, 2.5),
        ({"exclusiveMaximum": 1}, False, 0.5),
        ({"minimum": INF, "multipleOf": 0}, True, 1),  # rules that are none
    ],
)
def test_a_number_fits(schema: dict[str, Any], is_whole: bool, value: float) -> None:
    assert made_up_number(schema, is_whole=is_whole) == value


@pytest.mark.parametrize(
    "schema",
    [
        {"minimum": 6, "maximum": 9, "multipleOf": 5},
        {"minimum": 3, "maximum": 2},
        {"exclusiveMinimum": 1, "exclusiveMaximum": 2},
        {"minimum": 1e308, "multipleOf": 0.3},
        {"minimum": 10**400},
    ],
)
def test_what_no_number_fits_is_told(schema: dict[str, Any]) -> None:
    with pytest.raises(NoSampleError):
        made_up_number(schema, is_whole=True)
