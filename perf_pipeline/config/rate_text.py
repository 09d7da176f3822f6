"""Rates as profiles write them (`50/s`, `600/min`, `1000000/day`), kept in starts per second.

Add here: another way to write a rate. Keep out: the rate of an executor, whose keys are k6's.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, PlainSerializer

from perf_pipeline.spelling import meant
from perf_pipeline.units import SECONDS_PER_DAY

MOST_PER_S: Final = 1_000_000.0
_SECONDS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "s": 1,
        "m": 60,
        "min": 60,
        "h": 3_600,
        "d": SECONDS_PER_DAY,
        "day": SECONDS_PER_DAY,
    }
)
_RATE: Final = re.compile(r"\s*([0-9][0-9_,]*(?:\.[0-9]+)?)\s*/\s*([A-Za-z]+)\s*", re.ASCII)
_EXAMPLES: Final = "write one like '50/s', '600/min' or '1000000/day'"


def parse_rate(value: object) -> float:
    """Read a rate and return it per second.

    >>> parse_rate("50/s"), parse_rate("600/min"), parse_rate("86400/day")
    (50.0, 10.0, 1.0)

    Raises:
        ValueError: the text is not a rate above 0; the message says what a rate looks like.
    """
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a rate; {_EXAMPLES}")
    seconds = _SECONDS.get(match[2])
    if seconds is None:
        raise ValueError(
            f"{value!r} is per {match[2]!r}, which is not a unit here{meant(match[2], _SECONDS)}; "
            f"{_EXAMPLES}"
        )
    per_s = float(match[1].replace("_", "").replace(",", "")) / seconds
    if per_s <= 0:
        raise ValueError(f"{value!r} is no load; {_EXAMPLES}")
    return per_s


def _write_rate(per_s: float) -> str:
    """Write a rate so that a dumped profile reads back exactly."""
    text = repr(per_s)
    return f"{text}/s" if "e" not in text else f"{per_s:.20f}/s"


Rate = Annotated[
    float,
    BeforeValidator(parse_rate),
    Field(le=MOST_PER_S),
    PlainSerializer(_write_rate, when_used="json"),
]
