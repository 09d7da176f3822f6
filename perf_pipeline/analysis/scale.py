"""The scale of a change: relative (on logarithms), percentage points, or the plain unit.

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

    RELATIVE is the ratio to the baseline, 0.1 being 10 % more (judged on logarithms). POINTS is the
    difference of two rates, 0.01 being a percentage point. UNIT is the difference in the unit of
    the metric.
    """

    RELATIVE = "relative"
    POINTS = "points"
    UNIT = "unit"


@dataclass(frozen=True, slots=True)
class Effect:
    """Hold a change, and the interval that the noise of single runs leaves around it.

    Attributes:
        change: change of this run against the centre of the baseline.
        low: lower end of the prediction interval (probability 1 - alpha); None with fewer than two
            runs. When the change is significant, both ends are above 0, or both below.
        high: upper end of the interval; None as `low`.
        scale: what the three are counted in.
    """

    change: float
    low: float | None
    high: float | None
    scale: Scale

    @property
    def distance(self) -> float:
        """Return the change as a distance of positions, see `distance_of`."""
        return distance_of(self.change, self.scale)


@dataclass(frozen=True, slots=True)
class Ruler:
    """Measure changes on a scale.

    Attributes:
        scale: the scale.
        minimum_effect: the smallest relative change that matters.
        minimum_points: the smallest change of a rate that matters.
        relative_sd_floor: the smallest standard deviation of ln(value) that is believed.
    """

    scale: Scale
    minimum_effect: float
    minimum_points: float
    relative_sd_floor: float

    @property
    def sd_floor(self) -> float:
        """Return the smallest standard deviation that is believed on this scale.

        On the relative scale it is that of ln(value). In points it is 0.05, which only keeps z
        finite. In units it is 1, because counts near zero have about this deviation (Poisson).
        """
        if self.scale is Scale.RELATIVE:
            return self.relative_sd_floor
        return _POINTS_SD_FLOOR if self.scale is Scale.POINTS else _COUNT_SD_FLOOR

    def position(self, value: float) -> float:
        """Return the position of a value on the scale: its logarithm, or the value itself."""
        return math.log(value) if self.scale is Scale.RELATIVE else value

    def positions(self, values: Sequence[float]) -> list[float]:
        """Return the positions of many values on the scale."""
        return list(map(math.log, values)) if self.scale is Scale.RELATIVE else list(values)

    def change(self, distance: float) -> float:
        """Turn the distance of two positions into a change: exp(d) - 1, or the distance itself."""
        return change_of(distance, self.scale)

    def least_change(self, centre: float) -> float:
        """Return the smallest change that matters, as a positive number.

        On the unit scale it is the minimum effect times the centre, and at least one unit.
        """
        if self.scale is Scale.RELATIVE:
            return self.minimum_effect
        if self.scale is Scale.POINTS:
            return self.minimum_points
        return max(self.minimum_effect * abs(centre), _LEAST_COUNT)

    def least_distance(self, centre: float, sign: int) -> float:
        """Return the smallest change that matters as a distance, upwards (1) or downwards (-1)."""
        least = self.least_change(centre)
        if self.scale is not Scale.RELATIVE:
            return least
        # On a logarithmic scale there is no fall by 100 % or more.
        return math.log1p(least) if sign > 0 else -math.log1p(-min(least, 0.999))


def scale_of(kind: Kind, values: Sequence[float]) -> Scale:
    """Choose the scale: points for rates, the unit for series that touch zero, else relative."""
    if kind is Kind.RATE:
        return Scale.POINTS
    return Scale.RELATIVE if all(value > 0 for value in values) else Scale.UNIT


def change_of(distance: float, scale: Scale) -> float:
    """Turn the distance of two positions into a change: exp(d) - 1, or the distance itself."""
    return math.expm1(min(distance, _LARGEST_EXPONENT)) if scale is Scale.RELATIVE else distance


def distance_of(change: float, scale: Scale) -> float:
    """Turn a change into the distance of two positions: ln(1 + c), or the change itself.

    A fall by 100 %, which is what one by nearly all is rounded to, is infinitely far.
    """
    if scale is not Scale.RELATIVE:
        return change
    return math.log1p(change) if change > -1 else -math.inf


def prediction_band(value: float, effect: Effect) -> tuple[float, float] | None:
    """Return where a run was expected, in the unit of the metric; None without an interval.

    It is the interval of the change turned round: a change is in line when its interval holds zero,
    which is when the value is inside the band.

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
    """Return the change from one level to another, without an interval."""
    scale = scale_of(kind, (before, after))
    change = after / before - 1 if scale is Scale.RELATIVE else after - before
    return Effect(change, None, None, scale)
