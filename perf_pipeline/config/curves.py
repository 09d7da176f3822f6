"""A rate that follows a curve from a CSV file, such as that of a day, converted to stages.

    at,per_s
    00:00,4
    12:00,30.5

    executor = "ramping-arrival-rate"
    curve = { csv = "day.csv", speed = 60, scale = 0.1 }

Add here: another key of a curve. Keep out: what stages do (executors/), and replaying the exact
times of a log, which has its own executor (executors/replayed_arrivals.py).
"""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError

from perf_pipeline.config.data_sets import read_csv
from perf_pipeline.config.executors.ramping_arrival_rate import RampingArrivalRate
from perf_pipeline.config.executors.registry import name_of
from perf_pipeline.config.executors.replayed_arrivals import FASTEST
from perf_pipeline.config.frozen import Frozen
from perf_pipeline.config.mistakes import sentences
from perf_pipeline.quoting import shown
from perf_pipeline.units import SECONDS_PER_DAY, US_PER_S

CURVE: Final = "curve"
_COLUMNS: Final = ("at", "per_s")
_RAMPING: Final = name_of(RampingArrivalRate)
_CLOCK: Final = re.compile(r"(?P<hours>\d{1,2}):(?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d))?")
# Targets of stages are whole numbers per timeUnit: in 10,000 s, a rate has four decimals.
_UNIT_S: Final = 10_000
_WRITTEN: Final = ("startRate", "stages", "timeUnit")


class Curve(Frozen):
    """Name the file of a curve, and say how it is followed.

    Attributes:
        csv: a file with the columns `at` (`13:30`, or seconds) and `per_s`; its path is relative to
            the profile.
        speed: how many times faster the curve is followed; the rate rises by the same factor, so
            that the number of starts stays the same.
        scale: the factor that the rate is multiplied by.
    """

    csv: str = Field(min_length=1)
    speed: float = Field(default=1.0, gt=0, le=FASTEST, strict=False)
    scale: float = Field(default=1.0, gt=0, strict=False)


def has_curve(scenario: object) -> bool:
    """Say whether a raw scenario follows a curve."""
    return isinstance(scenario, Mapping) and CURVE in scenario


def as_stages(scenario: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Replace the curve of a raw scenario by stages.

    Raises:
        ValueError: it is not a curve, belongs to another executor, or can't be read; the sentence
            says why.
    """
    rest = {key: value for key, value in scenario.items() if key != CURVE}
    if rest.get("executor") != _RAMPING:
        raise ValueError(f"a curve is for the executor {_RAMPING}")
    if both := [key for key in _WRITTEN if key in rest]:
        raise ValueError(f"a curve stands for {', '.join(_WRITTEN)}; leave out {both[0]}")
    try:
        curve = Curve.model_validate(scenario[CURVE], by_alias=True, by_name=False)
    except ValidationError as error:
        raise ValueError("; ".join(sentences(error.errors()))) from error
    points = list(_points(folder / curve.csv))
    rates = [round(per_s * curve.speed * curve.scale * _UNIT_S) for _, per_s in points]
    lengths = [(later - at_s) / curve.speed for (at_s, _), (later, _) in pairwise(points)]
    return {
        **rest,
        "startRate": rates[0],
        "timeUnit": f"{_UNIT_S}s",
        "stages": [
            {"duration": f"{round(length_s * US_PER_S)}us", "target": rate}
            for length_s, rate in zip(lengths, rates[1:], strict=True)
        ],
    }


def _points(path: Path) -> Iterator[tuple[float, float]]:
    """Yield time and rate of each point; a curve over a day ends at 24:00 with its first rate."""
    rows = read_csv(path, _COLUMNS)
    last_s = first = None
    is_day = True
    for number, (at, rate) in enumerate(rows, 2):
        where = f"{path.name} line {number}"
        at_s, is_clock = _moment(at, where)
        is_day = is_day and is_clock
        if last_s is not None and at_s <= last_s:
            raise ValueError(f"{where} has the time {shown(at)}, which is not after the one before")
        last_s, per_s = at_s, _rate(rate, where)
        first = per_s if first is None else first
        yield at_s, per_s
    if is_day and first is not None and last_s is not None and last_s < SECONDS_PER_DAY:
        yield SECONDS_PER_DAY, first
    elif len(rows) == 1:
        raise ValueError(f"{path.name} has one point; a curve needs two")


def _moment(text: str, where: str) -> tuple[float, bool]:
    """Read `13:30` or a number of seconds, and say which it was."""
    if (match := _CLOCK.fullmatch(text.strip())) and int(match["hours"]) <= 24:
        minutes = 60 * int(match["hours"]) + int(match["minutes"])
        return 60 * minutes + int(match["seconds"] or 0), True
    try:
        at_s = float(text)
    except ValueError:
        at_s = -1.0
    if not (isfinite(at_s) and at_s >= 0):
        raise ValueError(f"{where} has the time {shown(text)}; write one like 13:30, or s")
    return at_s, False


def _rate(text: str, where: str) -> float:
    try:
        per_s = float(text)
    except ValueError:
        per_s = -1.0
    if not (isfinite(per_s) and per_s >= 0):
        raise ValueError(f"{where} has the rate {shown(text)}; write starts per second, like 12.5")
    return per_s
