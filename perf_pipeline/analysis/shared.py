"""Work out by how much all tiers of a system became slower together, which no single tier causes.

It needs no calibration, but at least two tiers. Formulas and sources: docs/statistics.md.
Add here: another thing that tiers have in common. Keep out: what follows for the gate
(environment.py).
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import median, median_low
from typing import Final

from perf_pipeline.analysis.noise import student_t
from perf_pipeline.analysis.scale import Scale
from perf_pipeline.analysis.series import Diff
from perf_pipeline.analysis.suspicion import WORSE_SIGN, BaselinePolicy
from perf_pipeline.analysis.tiers import tier_of

LASTING_RUNS: Final = 5
"""After so many consistent runs a slower machine is the normal one; else somebody must decide."""

_LEAST_TIERS: Final = 2
_LEAST_METRICS: Final = 4
_SD_PER_MEDIAN: Final = 1.2533
_SENSITIVITY_SD: Final = 0.25
_LEAST_SHARED: Final = math.log(1.05)
_CONSISTENT: Final = 0.5
_STRICTER: Final = 0.1


@dataclass(frozen=True, slots=True)
class Shift:
    """Say how far a series is from the centre of its baseline.

    Attributes:
        metric: the metric of the series; less of it is better.
        distance: ln(value / centre), positive when worse.
        error: standard error of a new run, of logarithms.
    """

    metric: str
    distance: float
    error: float

    @property
    def tier(self) -> str:
        """Return the tier that the metric is about."""
        return tier_of(self.metric)


def shift_of(diff: Diff) -> Shift | None:
    """Return the shift of a series that a slower machine makes slower; None for any other.

    That is a figure of which less is better, judged by ratio against the history, in a known tier
    of the system.
    """
    if diff.error is None or diff.effect is None or diff.effect.scale is not Scale.RELATIVE:
        return None
    if WORSE_SIGN[diff.series.better] < 0 or tier_of(diff.series.metric) in {"", "host"}:
        return None
    if diff.effect.change <= -1:
        return None
    return Shift(diff.series.metric, diff.effect.distance, diff.error)


def shared_slowdown(shifts: Iterable[Shift]) -> float:
    """Return the ln factor by which every tier became slower; 0 where one of them did not.

    A tier's shift is the median over its metrics, each of which counts once. What all tiers share
    is the smallest of these, give or take its standard error, and at most their median. Less than 5
    % is nothing, and fewer than two tiers or four metrics say nothing.
    """
    tiers = _tiers(shifts)
    if (
        len(tiers) < _LEAST_TIERS
        or sum(len(metrics) for metrics in tiers.values()) < _LEAST_METRICS
    ):
        return 0.0
    levels = [_level(metrics) for metrics in tiers.values()]
    smallest = min(level + error for level, error in levels)
    shared = min(smallest, median(level for level, _ in levels))
    return shared if shared >= _LEAST_SHARED else 0.0


def typical_slowdown(shifts: Iterable[Shift], tiers: Collection[str]) -> float | None:
    """Return the ln factor of the median tier, the lower of two middle ones; None without any."""
    known = {tier: metrics for tier, metrics in _tiers(shifts).items() if tier in tiers}
    return median_low(_level(metrics)[0] for metrics in known.values()) if known else None


def explains(slowdown: float, diff: Diff) -> bool:
    """Say whether a worse figure is in line once a slowdown of everything is taken out.

    Tiers take a slower machine on by more or less than its factor: 1 with a deviation of 0.25. What
    stays must be beyond a tenth of the level of the gate, because the runs before were slower, too.
    """
    effect, policy = diff.effect, diff.policy or BaselinePolicy()
    if effect is None or slowdown == math.inf:
        return True
    if effect.scale is not Scale.RELATIVE or effect.change <= -1:
        return False
    sign = WORSE_SIGN[diff.series.better]
    left = sign * effect.distance - slowdown
    error = math.hypot(diff.error or 0.0, _SENSITIVITY_SD * slowdown)
    strict = student_t(1 - policy.alpha * _STRICTER / 2, max(1, diff.noise.n - 1))
    return left < max(strict * error, policy.ruler(effect.scale).least_distance(0.0, sign))


def lasts(slowdowns: Sequence[float]) -> bool:
    """Say whether the newest five runs were all slower, by about the same factor.

    Each must be at least 5 % slower, and within half of the median of the five.

    Args:
        slowdowns: ln factor of each run against the same baseline, the newest last.
    """
    newest = slowdowns[-LASTING_RUNS:]
    if len(newest) < LASTING_RUNS or min(newest) < _LEAST_SHARED:
        return False
    middle = median(newest)
    return all(abs(slowdown - middle) <= _CONSISTENT * middle for slowdown in newest)


def _tiers(shifts: Iterable[Shift]) -> dict[str, dict[str, list[Shift]]]:
    """Sort shifts by tier and metric."""
    found: dict[str, dict[str, list[Shift]]] = {}
    for shift in shifts:
        found.setdefault(shift.tier, {}).setdefault(shift.metric, []).append(shift)
    return found


def _level(metrics: dict[str, list[Shift]]) -> tuple[float, float]:
    """Return the median over the metrics of a tier, and its standard error."""
    level = median(median(shift.distance for shift in moved) for moved in metrics.values())
    error = median(shift.error for moved in metrics.values() for shift in moved)
    return level, _SD_PER_MEDIAN * error / math.sqrt(len(metrics))
