"""Durations, sizes and rates as people write them, turned into integers.

Add here: a unit that a profile or a report needs. Keep out: clocks, and anything that reads
the time.
"""

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
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d)")
_BARE = re.compile(r"\d+(?:\.\d*)?|\.\d+")


def parse_duration_us(value: str | float) -> int:
    """Read a duration as k6 does and give it in µs.

    A text is a sequence of numbers with units (`1m30s`, `1.5h`, `250ms`, `1d`); a bare number, also
    as text, is milliseconds. Source: Go's time.ParseDuration, and k6's lib/types for `d` and
    bare numbers.

    >>> parse_duration_us("1m30s"), parse_duration_us("250ms"), parse_duration_us(10)
    (90000000, 250000, 10000)

    Raises:
        ValueError: the text is not a duration; the message says what one looks like.
    """
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not a duration; write one like '30s', '1m30s' or '250ms'")
    if isinstance(value, int | float):
        return round(Fraction(value) * US_PER_MS)
    text = value.strip()
    sign = -1 if text.startswith("-") else 1
    body = text.lstrip("+-") if len(text) - len(text.lstrip("+-")) <= 1 else ""
    if _BARE.fullmatch(body):
        return sign * round(Fraction(body.rstrip(".")) * US_PER_MS)
    if not body or _PART.sub("", body):
        raise ValueError(f"{value!r} is not a duration; write one like '30s', '1m30s' or '250ms'")
    ns = sum(Fraction(number) * _UNIT_NS[unit] for number, unit in _PART.findall(body))
    return sign * round(ns / 1_000)


def format_duration(us: int) -> str:
    """Write µs the way a person would say it.

    >>> format_duration(90_000_000), format_duration(2_500_000), format_duration(489)
    ('1m30s', '2.5s', '0.489ms')
    """
    if us < 0:
        return f"-{format_duration(-us)}"
    if 0 < us < US_PER_S:
        return f"{us / US_PER_MS:g}ms"
    minutes, rest_us = divmod(us, 60 * US_PER_S)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest_us / US_PER_S:g}s" if rest_us or not (minutes or hours) else ""
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "") + seconds


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
