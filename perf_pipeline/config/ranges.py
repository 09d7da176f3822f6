"""A duration or a range of durations, such as a think time of `1s` or `1s..3s`.

Add here: another kind of range. Keep out: single durations (durations.py).
"""

from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from perf_pipeline.config.bounds import LONGEST_US
from perf_pipeline.units import format_duration, format_ms, parse_duration_us


def read_range(value: object) -> tuple[int, int]:
    """Read the shortest and the longest duration in µs; for a single duration both are the same.

    >>> read_range("1s..3s"), read_range("2s")
    ((1000000, 3000000), (2000000, 2000000))

    Raises:
        ValueError: the text is neither a duration nor a range, or is too long.
    """
    if isinstance(value, tuple) and len(value) == 2:
        return value
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ValueError(f"{value!r} is neither a duration nor a range; write '1s' or '1s..3s'")
    low_text, dots, high_text = str(value).partition("..")
    if high_text.startswith(".") or (dots and not (low_text and high_text)):
        ends = [text for text in str(value).split(".") if text]
        meant = f"; did you mean '{'..'.join(ends)}'?" if len(ends) == 2 else ""
        raise ValueError(f"{value!r} is not a range{meant or '; write one like 1s..3s'}")
    low = parse_duration_us(low_text)
    high = parse_duration_us(high_text) if dots else low
    if not 0 <= low <= high:
        raise ValueError(f"{value!r} has the larger duration first; write the smaller one first")
    if high > LONGEST_US:
        raise ValueError(f"{value!r} is too long; it may be at most {format_duration(LONGEST_US)}")
    return low, high


def _write_range(value: tuple[int, int]) -> str:
    return f"{format_ms(value[0])}..{format_ms(value[1])}"


DurationRange = Annotated[
    tuple[int, int], BeforeValidator(read_range), PlainSerializer(_write_range, when_used="json")
]
