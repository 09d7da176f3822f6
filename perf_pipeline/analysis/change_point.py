"""Date changes of a series' level, by energy-statistic change points over its whole history.

This pass over the history only warns; it never fails a run, because it looks back.
Formulas and sources: docs/statistics.md.
Add here: another rule of splitting a history. Keep out: the gate of a new run (baseline.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import fmean, median
from typing import TYPE_CHECKING, Final

from perf_pipeline.analysis.noise import centre_and_spread, sample_sd
from perf_pipeline.analysis.scale import Effect, Ruler, scale_of
from perf_pipeline.analysis.special import special
from perf_pipeline.analysis.suspicion import BaselinePolicy
from perf_pipeline.metrics.catalog import Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_SIDE: Final = 3
"""A level is at least this many runs long: two wild runs are no level."""

LEVEL: Final = 0.01
"""Largest p-value of a change, corrected for the number of places where it could have been."""


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """Date a change of level.

    Attributes:
        index: index of the first value of the new level.
        before: median of the level before it, in the metric's unit.
        after: median of the level from it on.
        effect: the effect of the new level against the old one, without an interval.
        statistic: energy statistic of the two levels, on the scale of the series.
        p_value: p-value of Welch's test, times the number of places where the change could be.
    """

    index: int
    before: float
    after: float
    effect: Effect
    statistic: float
    p_value: float


def change_points(
    values: Sequence[float],
    kind: Kind,
    policy: BaselinePolicy | None = None,
    *,
    level: float = LEVEL,
) -> tuple[ChangePoint, ...]:
    """Find where a series changed its level, the oldest first; empty below six numbers.

    A stretch is split where the energy statistic is largest. The split is a change when Welch's
    test on the positions (logarithms, see Scale) confirms it and it is at least the minimum effect.
    Then both parts are searched. In the end, each change must hold between its neighbours. Source:
    Matteson & James (2014), E-divisive; Welch in place of permutations as Fleming et al. (2023),
    Hunter.

    Args:
        values: one value per run, the oldest first; a value that is not finite is no data, but
            keeps its index.
        kind: the kind of the metric, which determines the scale.
        policy: the policy with minimum effects and floors; None for the default policy.
        level: see LEVEL.
    """
    return _change_points(tuple(values), kind, policy or BaselinePolicy(), level)


# Comparing a run and reporting it need the same series, and a backtest needs it three times.
@lru_cache(maxsize=512)
def _change_points(
    history: tuple[float, ...], kind: Kind, policy: BaselinePolicy, level: float
) -> tuple[ChangePoint, ...]:
    places = [index for index, value in enumerate(history) if math.isfinite(value)]
    values = [history[index] for index in places]
    ruler = policy.ruler(scale_of(kind, values))
    positions = [ruler.position(value) for value in values]
    found: list[int] = []
    stretches = [(0, len(values))]
    while stretches:
        start, end = stretches.pop()
        split = _split(positions[start:end])
        if split is None:
            continue
        index, until = start + split[0], start + split[1]
        if _confirmed(positions, (start, index, until), ruler, level, places=end - start):
            found.append(index)
            stretches += [(start, index), (index, end)]
    kept = _held(positions, sorted(found), ruler, level)
    edges = [0, *kept, len(values)]
    return tuple(
        replace(
            _change_point(values, positions, (edges[n], index, edges[n + 2]), ruler),
            index=places[index],
        )
        for n, index in enumerate(kept)
    )


def energy_statistic(left: Sequence[float], right: Sequence[float]) -> float:
    """Return how far two samples are apart: n m / (n + m) * (2 E|X-Y| - E|X-X'| - E|Y-Y'|).

    It is 0 for equal samples and larger for different ones, in the unit of the values.
    Source: Székely & Rizzo (2004), testing for equal distributions in high dimension.

    >>> energy_statistic([0.0, 0.0], [1.0, 1.0])
    2.0

    Raises:
        ValueError: a sample is empty.
    """
    if not left or not right:
        raise ValueError("two samples are compared, and one of them is empty")
    both = _statistics([*left, *right])
    return float(both[len(left), len(left) + len(right)])


def welch_p_value(left: Sequence[float], right: Sequence[float], sd_floor: float = 0.0) -> float:
    """Return the two-sided p-value of Welch's t test.

    The values are not winsorised, because that would leave three values with too little spread
    (docs/statistics.md).
    Source: Welch (1947), with Satterthwaite's (1946) degrees of freedom.

    Args:
        left: at least two values.
        right: at least two values.
        sd_floor: the smallest credible standard deviation; two levels without noise and without a
            floor have p = 0 (or 1 if they are equal).

    Raises:
        ValueError: a side has fewer than two values.
    """
    if min(len(left), len(right)) < 2:
        raise ValueError("Welch's test needs two values on each side")
    left_mean, right_mean = fmean(left), fmean(right)
    left_sd = max(sample_sd(left, left_mean), sd_floor)
    right_sd = max(sample_sd(right, right_mean), sd_floor)
    # The test has no unit; in units of the larger spread, no square over- or underflows.
    unit = max(left_sd, right_sd)
    if not unit:
        return 1.0 if left_mean == right_mean else 0.0
    left_part, right_part = (left_sd / unit) ** 2 / len(left), (right_sd / unit) ** 2 / len(right)
    error = math.sqrt(left_part + right_part)
    freedom = error**4 / (left_part**2 / (len(left) - 1) + right_part**2 / (len(right) - 1))
    return 2 * float(special().stdtr(freedom, -abs(left_mean / unit - right_mean / unit) / error))


def _statistics(positions: Sequence[float]) -> "Floats":
    """Return the energy statistic of [0, i) against [i, j) for every 0 < i < j, else -inf."""
    import numpy as np  # noqa: PLC0415 - 0.1 s of import that few commands need

    y = np.asarray(positions, dtype=np.float64)
    n = len(y)
    product, left_squares, right_squares, weight = _of_lengths(n)
    apart = y[:, None] - y[None, :]
    np.abs(apart, out=apart)
    # sums[i, j] is the sum of all |y_a - y_b| with a < i and b < j
    sums = np.zeros((n + 1, n + 1))
    np.cumsum(apart, axis=0, out=apart)
    np.cumsum(apart, axis=1, out=sums[1:, 1:])
    inside = sums.diagonal().copy()
    within_left = inside[:, None]
    # Each table is changed in place, since allocating another one took a third of the time.
    statistic: Floats = np.subtract(sums, within_left, out=sums)
    statistic *= 2
    within_right = inside[None, :] - within_left
    within_right -= statistic
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic /= product
        statistic -= within_left / left_squares
        within_right /= right_squares
        statistic -= within_right
        statistic *= weight
    statistic[product <= 0] = -np.inf
    return statistic


@lru_cache(maxsize=8)
def _of_lengths(n: int) -> "tuple[Floats, Floats, Floats, Floats]":
    """Return the terms of every (i, j) that depend only on the lengths of both sides.

    These are their product, which is not positive if a side is empty, the square of each, and their
    product divided by their sum.
    """
    import numpy as np  # noqa: PLC0415 - as above

    i, j = np.arange(n + 1.0)[:, None], np.arange(n + 1.0)[None, :]
    left, right = i, j - i
    with np.errstate(divide="ignore", invalid="ignore"):
        return left * right, left**2, right**2, left * right / (left + right)


def _split(positions: Sequence[float]) -> tuple[int, int] | None:
    """Return (i, j) with the largest statistic of [0, i) against [i, j); None if too short.

    The new level may end before the stretch ends, so that a bump can't hide both of its edges.
    """
    n = len(positions)
    if n < 2 * LEAST_SIDE:
        return None
    statistic = _statistics(positions)
    statistic[_too_short(n)] = -math.inf
    i, j = divmod(int(statistic.argmax()), n + 1)
    return i, j


@lru_cache(maxsize=8)
def _too_short(n: int) -> "NDArray[np.bool_]":
    """Mark all (i, j) in which a side is too short for a level."""
    import numpy as np  # noqa: PLC0415 - as above

    i, j = np.arange(n + 1)[:, None], np.arange(n + 1)[None, :]
    marked: NDArray[np.bool_] = (i < LEAST_SIDE) | (j < i + LEAST_SIDE)
    return marked


def _confirmed(
    positions: Sequence[float],
    edges: tuple[int, int, int],
    ruler: Ruler,
    level: float,
    *,
    places: int,
) -> bool:
    start, index, end = edges
    left, right = positions[start:index], positions[index:end]
    effect = _effect(left, right, ruler)
    centre = centre_and_spread(left, ruler.sd_floor)[0]
    large = abs(effect.change) >= ruler.least_change(centre)
    return large and _p_value(left, right, ruler, places) <= level


def _held(
    positions: Sequence[float], found: Sequence[int], ruler: Ruler, level: float
) -> list[int]:
    """Drop the weakest change repeatedly until every change holds between its neighbours."""
    kept = list(found)
    while kept:
        edges = [0, *kept, len(positions)]
        weak = [
            (_p_value(positions[a:b], positions[b:c], ruler, c - a), b)
            for a, b, c in zip(edges, edges[1:], edges[2:], strict=False)
            if not _confirmed(positions, (a, b, c), ruler, level, places=c - a)
        ]
        if not weak:
            break
        kept.remove(max(weak)[1])
    return kept


def _change_point(
    values: Sequence[float], positions: Sequence[float], edges: tuple[int, int, int], ruler: Ruler
) -> ChangePoint:
    start, index, end = edges
    left, right = positions[start:index], positions[index:end]
    return ChangePoint(
        index=index,
        before=median(values[start:index]),
        after=median(values[index:end]),
        effect=_effect(left, right, ruler),
        statistic=energy_statistic(left, right),
        p_value=_p_value(left, right, ruler, end - start),
    )


def _effect(left: Sequence[float], right: Sequence[float], ruler: Ruler) -> Effect:
    before, after = (centre_and_spread(side, ruler.sd_floor)[0] for side in (left, right))
    return Effect(ruler.change(after - before), None, None, ruler.scale)


def _p_value(left: Sequence[float], right: Sequence[float], ruler: Ruler, length: int) -> float:
    # Bonferroni: the place was chosen among all, so the test was effectively made at every place.
    places = length - 2 * LEAST_SIDE + 1
    return min(1.0, places * welch_p_value(left, right, ruler.sd_floor))
