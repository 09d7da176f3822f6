"""Durations and sizes as people write them."""

import doctest
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perf_pipeline import units
from perf_pipeline.units import format_duration, format_ms, parse_duration_us

_YEARS_US = 31_536_000_000_000 * 250


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("30s", 30_000_000),
        ("1m30s", 90_000_000),
        ("1.5h", 5_400_000_000),
        ("250ms", 250_000),
        ("1d", 86_400_000_000),
        ("1h2m3s4ms5us", 3_723_004_005),
        (".5s", 500_000),
        ("10", 10_000),
        (10_000, 10_000_000),
        (0.5, 500),
        ("-10s", -10_000_000),
        ("0s", 0),
        ("1d12h", 129_600_000_000),
        ("-1d12h", -129_600_000_000),
        ("+5s", 5_000_000),
        ("1.s", 1_000_000),
        ("1e3", 1_000_000),
        ("10.", 10_000),
        ("2.e1", 20_000),
    ],
)
def test_a_duration_is_read_as_k6_reads_it(text: str | float, us: int) -> None:
    assert parse_duration_us(text) == us


@pytest.mark.parametrize(
    "text",
    [
        *("", "s", "-", "10 s", "1x", "--1s", "1s-2s", "ten", True),
        # k6: days are whole and come first; blanks, digits of other scripts and infinity are none
        *("1.5d", "12h1d", "d", " 10s", "10s ", "٣s", "inf", float("inf"), float("nan")),
        *([1], {"s": 1}, None),
    ],
)
def test_what_is_not_a_duration_is_refused_with_an_example(text: Any) -> None:
    with pytest.raises(ValueError, match="write one like '30s'"):
        parse_duration_us(text)


@pytest.mark.parametrize("text", ["106752d", "1e99", "9223372037s", 1e300])
def test_a_duration_that_k6_can_not_hold_is_refused(text: str | float) -> None:
    # Go's time.Duration ends at 2**63 - 1 ns = 9,223,372,036.85 s = 106,751.99 days
    with pytest.raises(ValueError, match="longer than 292 years"):
        parse_duration_us(text)


@given(st.integers(-_YEARS_US, _YEARS_US))
@example(599_999_999)  # 9 min, 59.999999 s: no sixtieth second
@example(1_200_000_000)  # 20 min: no exponent
@example(123_456_700)
@example(999_999)
@example(0)
def test_a_written_duration_reads_back_to_the_microsecond(us: int) -> None:
    assert parse_duration_us(format_duration(us)) == us
    assert parse_duration_us(format_ms(abs(us))) == abs(us)


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (599_999_999, "9m59.999999s"),
        (59_999_999, "59.999999s"),
        (119_999_999, "1m59.999999s"),
        (123_456_700, "2m3.4567s"),
        (3_599_999_999, "59m59.999999s"),
        (86_400_000_000, "24h"),
        (1, "0.001ms"),
    ],
)
def test_a_duration_is_written_without_rounding_up_to_a_sixtieth_second(us: int, text: str) -> None:
    assert format_duration(us) == text


def test_the_examples_in_the_docstrings_are_true() -> None:
    assert doctest.testmod(units).failed == 0
