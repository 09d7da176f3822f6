"""Durations as profiles write them (`30s`, `1m30s`, or k6's bare milliseconds), kept in µs.

Add here: another way to write a duration; a new unit goes into units.py. Keep out: ranges of
durations (ranges.py).
"""

from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

from perf_pipeline.config.bounds import LONGEST_US
from perf_pipeline.units import US_PER_MS, parse_duration_us


def _write_duration(us: int) -> float:
    """Write a duration as k6's bare number (ms), so that a dumped profile reads back exactly."""
    return us / US_PER_MS


Duration = Annotated[
    int,
    BeforeValidator(parse_duration_us),
    Field(le=LONGEST_US),
    PlainSerializer(_write_duration, when_used="json"),
]
