"""How capacity grows with units: efficiency, and the Universal Scalability Law through its points.

    C(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1))

Source: N. J. Gunther, Guerrilla Capacity Planning, Springer 2007, chapter 4; lambda is the capacity
of one unit, sigma the contention (what only one unit can do at a time), kappa the coherency (what
each unit costs every other one).

Add here: another figure that follows from capacities at several numbers of units. Keep out: finding
a capacity (capacity/), and sentences (report/).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

LEAST_POINTS: Final = 3
"""The law has three coefficients, so that fewer capacities leave some of them open."""
MOST_UNITS: Final = 10_000
"""Beyond so many units nothing is said."""
_HALVINGS: Final = 20
_NARROWEST: Final = 1e-9
_UNBOUNDED: Final = 3
_SOLVED: Final = 0


@dataclass(frozen=True, slots=True)
class CapacityAt:
    """Hold a capacity at a number of units.

    Attributes:
        units: how many there were.
        per_s: the capacity; None where only its lower end is known.
        low: lower end of its interval.
        high: upper end; infinite where none is known.
    """

    units: int
    per_s: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """Hold a value with the interval that the capacities leave to it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ScalabilityLaw:
    """Hold the three coefficients of the law.

    Attributes:
        per_unit: lambda, the capacity of one unit.
        sigma: contention.
        kappa: coherency.
    """

    per_unit: float
    sigma: float
    kappa: float

    def capacity(self, units: float) -> float:
        """Return the capacity at a number of units.

        >>> ScalabilityLaw(100.0, 0.05, 0.01).capacity(4)  # 400 / (1 + 0.15 + 0.12)
        314.9606299212598
        """
        slower = 1 + self.sigma * (units - 1) + self.kappa * units * (units - 1)
        return self.per_unit * units / slower

    @property
    def peak(self) -> float:
        """Return the number of units with the highest capacity, infinite where there is none.

        It is the root of (1 - sigma) / kappa (Gunther 2007, equation 4.33), and at least 1.
        """
        if self.kappa <= 0:
            return math.inf if self.sigma < 1 else 1.0
        return max(1.0, math.sqrt(max(0.0, 1 - self.sigma) / self.kappa))

    def next_share(self, units: int) -> float:
        """Return what one more unit brings, as a share of what the first one carries."""
        return (self.capacity(units + 1) - self.capacity(units)) / self.per_unit

    def last_worth(self, share: float) -> int | None:
        """Return the fewest units to which one more brings less than a share of the first.

        None where each one brings more, up to 10,000 units.
        """
        low, high = 0, MOST_UNITS  # what the next one brings only falls, until it is below 0
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._is_too_little(middle, share) else (middle, high)
        return None if high == MOST_UNITS else high

    def _is_too_little(self, units: int, share: float) -> bool:
        return units >= self.peak or self.next_share(units) < share


@dataclass(frozen=True, slots=True)
class ScalabilityFit:
    """Hold the law through capacities, and what their intervals leave open.

    Attributes:
        law: by least squares of the relative deviations.
        per_unit: lambda, with the lowest and the highest value with which the law goes through
            all intervals; so are the others.
        sigma: contention.
        kappa: coherency.
        peak: number of units with the highest capacity; infinite where there is none.
    """

    law: ScalabilityLaw
    per_unit: Estimate
    sigma: Estimate
    kappa: Estimate
    peak: Estimate


def efficiency(point: CapacityAt, first: CapacityAt) -> Estimate | None:
    """Return the capacity of each unit, divided by that at the fewest units.

    None where one of the two capacities is not known.
    """
    if point.per_s is None or not first.per_s:
        return None
    if point is first:
        return Estimate(1.0, 1.0, 1.0)
    more = point.units / first.units
    return Estimate(
        value=point.per_s / first.per_s / more,
        low=point.low / first.high / more,
        high=point.high / first.low / more if first.low > 0 else math.inf,
    )


def why_not_fitted(points: Sequence[CapacityAt]) -> str:
    """Say why no law can be put through capacities; empty where `fitted` can try."""
    known = sum(point.per_s is not None and point.per_s > 0 for point in points)
    if known < LEAST_POINTS:
        return (
            f"the Universal Scalability Law has {LEAST_POINTS} coefficients, and only {known} of "
            f"{len(points)} capacities are known"
        )
    return ""


def fitted(points: Sequence[CapacityAt]) -> ScalabilityFit | None:
    """Put the law through capacities at different numbers of units.

    In lambda, sigma and kappa each end of a capacity's interval is linear, so that the ends of
    their own intervals are solutions of linear programs: exact, whatever the distribution.

    Returns:
        None where no law with sigma and kappa of 0 or more goes through all intervals, or the best
        one leaves lambda without an end.
    """
    top = max(point.low for point in points)
    feasible = _Feasible(points, top)
    if feasible.least((0.0, 0.0, 0.0)) is None:
        return None
    if (law := _least_squares(points)) is None:
        return None
    per_unit, sigma, kappa = (feasible.between(place) for place in range(3))
    return ScalabilityFit(
        law=law,
        per_unit=_around(law.per_unit, per_unit[0] * top, per_unit[1] * top),
        sigma=_around(law.sigma, *sigma),
        kappa=_around(law.kappa, *kappa),
        peak=_around(law.peak, *feasible.peaks()),
    )


def _around(value: float, low: float, high: float) -> Estimate:
    """Put an estimate together; least squares may lie a little outside of what is feasible."""
    return Estimate(value, min(value, low), max(value, high))


def _least_squares(points: Sequence[CapacityAt]) -> ScalabilityLaw | None:
    """Fit N / C(N), which is linear in 1, sigma and kappa, each over lambda.

    Each deviation counts in parts of its capacity, over the width of its interval. None where
    1 / lambda is 0: capacities that fall so fast say nothing of one unit.
    """
    import numpy as np  # noqa: PLC0415 - as the next one
    from scipy.optimize import nnls  # noqa: PLC0415 - half a second that few commands need

    known = [(point, point.per_s) for point in points if point.per_s]
    units = np.array([point.units for point, _ in known], dtype=float)
    per_s = np.array([per_s for _, per_s in known])
    widths = [max(_NARROWEST, math.log(point.high / point.low)) for point, _ in known]
    finite = [width for width in widths if math.isfinite(width)]
    widest = max(finite, default=1.0)
    weights = widest / np.array([min(width, widest) for width in widths])
    terms = np.stack([np.ones_like(units), units - 1, units * (units - 1)], axis=1)
    top = max(value for _, value in known)
    scaled = terms * (weights * per_s / top / units)[:, None]
    found, _ = nnls(scaled, weights)
    ideal = float(found[0])
    if ideal < _NARROWEST:
        return None
    contended, coherent = (float(value) / ideal for value in found[1:])
    sigma, kappa = (value if value > _NARROWEST else 0.0 for value in (contended, coherent))
    return ScalabilityLaw(top / ideal, sigma, kappa)


class _Feasible:
    """Hold all laws that go through all intervals: lambda (in parts of `top`), sigma, kappa."""

    def __init__(self, points: Sequence[CapacityAt], top: float) -> None:
        rows, ends = list[list[float]](), list[float]()
        for point in points:
            units = float(point.units)
            for end, sign in ((point.high / top, 1.0), (point.low / top, -1.0)):
                if math.isfinite(end):
                    beside = [-end * (units - 1), -end * units * (units - 1)]
                    rows.append([sign * value for value in (units, *beside)])
                    ends.append(sign * end)
        self._rows, self._ends = rows, ends

    def least(self, weights: Sequence[float]) -> float | None:
        """Return the least weighted sum of the coefficients; None where there is no law at all."""
        from scipy.optimize import linprog  # noqa: PLC0415 - as above

        found = linprog(weights, A_ub=self._rows, b_ub=self._ends, method="highs")
        if found.status == _UNBOUNDED:
            return -math.inf
        return None if found.status != _SOLVED or found.fun is None else float(found.fun)

    def between(self, place: int) -> tuple[float, float]:
        """Return the lowest and the highest value of a coefficient."""
        weights = [0.0, 0.0, 0.0]
        weights[place] = 1.0
        low = self.least(weights)
        high = self.least([-weight for weight in weights])
        return (low or 0.0), (-high if high is not None else math.inf)

    def peaks(self) -> tuple[float, float]:
        """Return the lowest and the highest number of units at which a law may peak.

        A law peaks at p or beyond where p^2 kappa + sigma is at most 1.
        """
        may_be_beyond = partial(self._is_beyond, sign=1.0)
        must_be_beyond = partial(self._is_beyond, sign=-1.0)
        return _last_true(must_be_beyond), _last_true(may_be_beyond)

    def _is_beyond(self, units: float, sign: float) -> bool:
        found = self.least([0.0, sign, sign * units * units])
        return found is not None and sign * found <= 1


def _last_true(holds: Callable[[float], bool]) -> float:
    """Return the highest number of units at which something holds that ceases to: 1, or endless."""
    if holds(MOST_UNITS):
        return math.inf
    low, high = 1.0, float(MOST_UNITS)
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
