"""Ranges of durations, and single ones, as a profile's JSON holds them."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from perf_pipeline.config.durations import Duration
from perf_pipeline.config.ranges import DurationRange

_DAY_US = 86_400_000_000


class _Waits(BaseModel):
    think: DurationRange
    single: Duration


def _read_back(waits: _Waits) -> _Waits:
    return _Waits.model_validate(json.loads(waits.model_dump_json()))


@pytest.mark.parametrize(
    ("text", "low_us", "high_us"),
    [
        ("20m", 1_200_000_000, 1_200_000_000),
        ("999.9999s", 999_999_900, 999_999_900),
        ("1000s", 1_000_000_000, 1_000_000_000),
        ("123.4567s", 123_456_700, 123_456_700),
        ("1s..2.345678s", 1_000_000, 2_345_678),
        ("1h..2h", 3_600_000_000, 7_200_000_000),
        ("0", 0, 0),
    ],
)
def test_a_think_time_reaches_the_worker_as_it_was_written(
    text: str, low_us: int, high_us: int
) -> None:
    waits = _Waits.model_validate({"think": text, "single": text.partition("..")[0]})

    assert waits.think == (low_us, high_us)
    assert _read_back(waits) == waits


@given(st.integers(0, 3_650 * _DAY_US), st.integers(0, 3_650 * _DAY_US))
@example(1_200_000_000, 0)
def test_every_duration_of_ten_years_reads_back_from_json(low_us: int, more_us: int) -> None:
    texts = {"think": f"{low_us}us..{low_us + more_us}us", "single": f"{low_us}us"}
    waits = _Waits.model_validate(texts)

    assert _read_back(waits) == waits
