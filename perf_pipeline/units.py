"""Durations, sizes and rates as people write them, turned into integers.

Add here: a unit that a profile or a report needs. Keep out: clocks, and anything that reads
the time.
"""

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

US_PER_MS = 1_000
US_PER_S = 1_000_000
SECONDS_PER_DAY = 86_400

_UNIT_NS: Mapping[str, int] = MappingProxyType(
    {
        "ns": 1,
        "us": 1_000,
        "µs": 1_000,
        "μs": 1_000,
        "ms": 1_000_000,
        "s": 1_000_000_000,
        "m": 60_000_000_000,
        "h": 3_600_000_000_000,
        "d": 86_400_000_000_000,
    }
)
_NUMBER = r"(?:\d+\.?\d*|\.\d+)"
_GO_UNITS = "|".join(unit for unit in _UNIT_NS if unit != "d")  # days only in front
_PART = re.compile(rf"({_NUMBER})({_GO_UNITS})", re.ASCII)
_BARE = re.compile(rf"[+-]?{_NUMBER}(?:[eE][+-]?\d{{1,2}})?", re.ASCII)
_WITH_UNITS = re.compile(rf"([+-]?)(?=.)(?:(\d+)d)?((?:{_PART.pattern})*)", re.ASCII)
_UNIT_WORDS: Mapping[str, str] = MappingProxyType(
    {
        word: unit
        for unit, words in {
            "us": "us usec usecs microsecond microseconds",
            "ms": "ms msec msecs milli millis millisecond milliseconds",
            "s": "s sec secs second seconds sek",
            "m": "m min mins minute minutes",
            "h": "h hr hrs hour hours std",
            "d": "d day days tag tage",
        }.items()
        for word in words.split()
    }
)
_WORDED = re.compile(r"(\d+(?:[.,]\d+)?)\s*([A-Za-zµμ]*)", re.ASCII)
_LONGEST_US = (2**63 - 1) // 1_000  # Go's time.Duration: 2**63 - 1 ns, 292 years


def parse_duration_us(value: str | float) -> int:
    """Read a duration as k6 does and return it in µs.

    A text is a sequence of numbers with units (`1m30s`, `1.5h`, `250ms`), with whole days in front
    (`1d12h`); a bare number, also as text, is milliseconds. Source: Go's time.ParseDuration, and
    ParseExtendedDuration in k6's lib/types for `d` and bare numbers.

    >>> parse_duration_us("1m30s"), parse_duration_us("250ms"), parse_duration_us(10)
    (90000000, 250000, 10000)

    Raises:
        ValueError: it is not a duration; the message says what one looks like.
    """
    us = _number_us(value) if isinstance(value, int | float) else _text_us(value)
    if us is None:
        example = f"write one like '30s', '1m30s' or '250ms'{_meant_duration(value)}"
        raise ValueError(f"{value!r} is not a duration; {example}")
    if abs(us) > _LONGEST_US:
        raise ValueError(f"{value!r} is longer than 292 years, the longest duration there is")
    return us


def _number_us(ms: float) -> int | None:
    if isinstance(ms, bool) or not math.isfinite(ms):
        return None
    return round(Fraction(ms) * US_PER_MS)


def _text_us(text: object) -> int | None:
    if not isinstance(text, str):  # a list or a table of a profile
        return None
    if _BARE.fullmatch(text):
        return round(Fraction(text.replace(".e", "e").replace(".E", "E").rstrip(".")) * US_PER_MS)
    match = _WITH_UNITS.fullmatch(text)
    if match is None:
        return None
    ns = int(match[2] or 0) * _UNIT_NS["d"] + sum(
        Fraction(number.rstrip(".")) * _UNIT_NS[unit] for number, unit in _PART.findall(match[3])
    )
    return round(ns / 1_000) * (-1 if match[1] == "-" else 1)


def _meant_duration(value: object) -> str:
    """End a sentence with the duration that was meant by units in words of another tool."""
    text = value.strip().rstrip(".") if isinstance(value, str) else ""
    parts = _WORDED.findall(text)
    if not parts or _WORDED.sub("", text).strip(" ,:"):
        return ""
    units = [_UNIT_WORDS.get(word.lower(), word) for _, word in parts]
    if units == ["m", ""]:  # of 1m30 the last number can only be seconds
        units[-1] = "s"
    numbers = [number.replace(",", ".") for number, _ in parts]
    meant = "".join(f"{number}{unit}" for number, unit in zip(numbers, units, strict=True))
    is_one = all(units) and meant != value and _text_us(meant) is not None
    return f"; did you mean {meant!r}?" if is_one else ""


def format_duration(us: int) -> str:
    """Write a duration as people do, exact to the µs: `parse_duration_us` reads it back.

    >>> format_duration(90_000_000), format_duration(2_500_000), format_duration(489)
    ('1m30s', '2.5s', '0.489ms')
    """
    if us < 0:
        return f"-{format_duration(-us)}"
    if 0 < us < US_PER_S:
        return format_ms(us)
    minutes, rest_us = divmod(us, 60 * US_PER_S)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{_decimal(rest_us, 6)}s" if rest_us or not (minutes or hours) else ""
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "") + seconds


def format_ms(us: int) -> str:
    """Write µs in milliseconds, exactly and whatever their size.

    >>> format_ms(1_200_000_000), format_ms(1_500)
    ('1200000ms', '1.5ms')
    """
    return f"{_decimal(us, 3)}ms"


def _decimal(count: int, digits: int) -> str:
    """Write count / 10**digits without rounding it: a float's text rounds, or has an exponent."""
    whole, rest = divmod(count, 10**digits)
    return f"{whole}.{rest:0{digits}}".rstrip("0").rstrip(".")


def format_bytes(count: float) -> str:
    """Write a number of bytes with a binary prefix.

    >>> format_bytes(1_610_612_736), format_bytes(512)
    ('1.5 GiB', '512 B')
    """
    value = float(count)
    for prefix in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:g} {prefix}" if prefix == "B" else f"{value:.1f} {prefix}"
        value /= 1024
    return f"{value:.1f} TiB"
