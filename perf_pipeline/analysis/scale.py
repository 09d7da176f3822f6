"""What a change is counted in: relative (on logarithms), percentage points, or the plain unit.

Add here: another scale. Keep out: probabilities (suspicion.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from perf_pipeline.metrics.catalog import Kind

_LARGEST_EXPONENT: Final = 700.0
_POINTS_SD_FLOOR: Final = 0.0005
_COUNT_SD_FLOOR: Final = 1.0
_LEAST_COUNT: Final = 1.0


class Scale(StrEnum):
    """Say what a change is counted in.

    RELATIVE: ratio to the baseline, 0.1 = 10 % more (judged on logarithms). POINTS: difference of
    two rates, 0.01 = one percentage point. UNIT: difference in the metric's unit.
    """

    RELATIVE = "relative"
    POINTS = "points"
    UNIT = "unit"


@dataclass(frozen=True, slots=True)
class Effect:
    """Give a change and the interval that the noise of single runs leaves around it.

    Attributes:
        change: this run against the centre of the baseline.
        low: lower end of the prediction interval (probability 1 - alpha), above 0 or below it when
            the change is significant; None with fewer than two runs, as `high`.
        high: upper end.
        scale: what the three are counted in.
    """

    change: float
    low: float | None
    high: float | None
    scale: Scale


@dataclass(frozen=True, slots=True)
class Ruler:
    """Measure changes on one scale.

    Attributes:
        scale: see there.
        minimum_effect: smallest relative change that matters.
        minimum_points: smallest change of a rate that matters.
        relative_sd_floor: smallest believed standard deviation of ln(value).
    """

    scale: Scale
    minimum_effect: float
    minimum_points: float
    relative_sd_floor: float

    @property
    def sd_floor(self) -> float:
        """Give the smallest believed standard deviation on this scale.

        Relative: of ln(value). Points: 0.05 points, which only keeps z finite. Unit: 1, because
        counts near zero have a Poisson standard deviation of that size.
        """
        if self.scale is Scale.RELATIVE:
            return self.relative_sd_floor
        return _POINTS_SD_FLOOR if self.scale is Scale.POINTS else _COUNT_SD_FLOOR

    def position(self, value: float) -> float:
        """Put a value on the scale: its logarithm, or itself."""
        return math.log(value) if self.scale is Scale.RELATIVE else value

    def positions(self, values: Sequence[float]) -> list[float]:
        """Put many values on the scale."""
        return list(map(math.log, values)) if self.scale is Scale.RELATIVE else list(values)

    def change(self, distance: float) -> float:
        """Turn a distance of two positions into a change: exp(d) - 1, or the distance itself."""
        if self.scale is Scale.RELATIVE:
            return math.expm1(min(distance, _LARGEST_EXPONENT))
        return distance

    def least_change(self, centre: float) -> float:
        """Give the smallest change that matters, a positive number.

        On the unit scale it is the minimum effect of the centre, and at least one unit.
        """
        if self.scale is Scale.RELATIVE:
            return self.minimum_effect
        if self.scale is Scale.POINTS:
            return self.minimum_points
        return max(self.minimum_effect * abs(centre), _LEAST_COUNT)

    def least_distance(self, centre: float, sign: int) -> float:
        """Give the least change as a distance of two positions, upwards (1) or downwards (-1)."""
        least = self.least_change(centre)
        if self.scale is not Scale.RELATIVE:
            return least
        # A fall by 100 % or more does not exist on a logarithmic scale.
        return math.log1p(least) if sign > 0 else -math.log1p(-min(least, 0.999))


def scale_of(kind: Kind, values: Sequence[float]) -> Scale:
    """Choose how a series is judged: rates in points, series that touch zero in their unit."""
    if kind is Kind.RATE:
        return Scale.POINTS
    return Scale.RELATIVE if all(value > 0 for value in values) else Scale.UNIT


def prediction_band(value: float, effect: Effect) -> tuple[float, float] | None:
    """Give where a run was expected, in the metric's unit; None without an interval.

    The interval of the change turned round: a change is in line when its interval holds zero, and
    that is when the value is inside the band.

    >>> prediction_band(120.0, Effect(0.2, 0.0, 0.5, Scale.RELATIVE))
    (80.0, 120.0)
    """
    if effect.low is None or effect.high is None:
        return None
    if effect.scale is not Scale.RELATIVE:
        return value - effect.high, value - effect.low
    if effect.low <= -1:
        return None
    return value / (1 + effect.high), value / (1 + effect.low)


def change_between(before: float, after: float, kind: Kind) -> Effect:
    """Give the change from one level to another, without an interval."""
    scale = scale_of(kind, (before, after))
    change = after / before - 1 if scale is Scale.RELATIVE else after - before
    return Effect(change, None, None, scale)
