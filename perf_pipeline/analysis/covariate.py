"""Takes out of a series what the machine did: each value as on the usual machine.

Formulas and sources: docs/statistics.md.
Add here: how a factor of the machine acts on a series. Keep out: how slow the machine was
(machine.py), and the judgement of a run (baseline.py).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from perf_pipeline.analysis.machine import Slowdown
from perf_pipeline.analysis.noise import SD_FLOOR, winsorised

_PRIOR_SLOPE: Final = 1.0
_PRIOR_SD: Final = 0.25
_LEARNED_TIMES: Final = 3.0
_STEEPEST: Final = 1.5
_LEAST_RUNS: Final = 3


@dataclass(frozen=True, slots=True)
class Slope:
    """Say how much of the machine's factor a series takes on, as an exponent.

    Attributes:
        value: 1 when the series becomes slower by the same factor, 0 when by none.
        sd: standard deviation of what is known of it.
        learned: the history has shown it, and it is not only assumed.
    """

    value: float = _PRIOR_SLOPE
    sd: float = _PRIOR_SD
    learned: bool = False


def slope(positions: Sequence[float], factors: Sequence[float]) -> Slope:
    """Learn the slope from a history, beginning with 1 ± 0.25; it stays between 0 and 1.5.

    A regression on the ln factors, with a normal prior; outliers are winsorised. A history with
    fewer than three runs beside a usual machine, or beside another one, teaches nothing.
    Source: Lindley and Smith (1972), Bayes estimates for the linear model, JRSS B 34.

    Args:
        positions: ln(value) of each run, with its sign turned where more is better.
        factors: ln factor of the machine for each run.
    """
    runs = [(g, y - _PRIOR_SLOPE * g) for g, y in zip(factors, positions, strict=True)]
    usual = [run for run in runs if not run[0]]
    other = [run for run in runs if run[0]]
    if min(len(usual), len(other)) < _LEAST_RUNS:
        return Slope()
    # Each kind of run on its own: what the other kind shows must not be cut off as an outlier.
    kept = [*winsorised([r for _, r in usual]), *winsorised([r for _, r in other])]
    known = [g for g, _ in (*usual, *other)]
    spread, both = _sums(known, kept)
    left = math.fsum(value**2 for value in _residuals(known, kept, both / spread))
    variance = max(left / (len(runs) - 2), SD_FLOOR**2)
    precision = spread / variance + _PRIOR_SD**-2
    value = min(max(_PRIOR_SLOPE + both / variance / precision, 0.0), _STEEPEST)
    return Slope(value, precision**-0.5, spread / variance > _LEARNED_TIMES * _PRIOR_SD**-2)


def _sums(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Return the sum of squares of x, and that of products, around the means."""
    centre, mean = math.fsum(x) / len(x), math.fsum(y) / len(y)
    squares = math.fsum((value - centre) ** 2 for value in x)
    return squares, math.fsum((a - centre) * (b - mean) for a, b in zip(x, y, strict=True))


def _residuals(x: Sequence[float], y: Sequence[float], steepness: float) -> Iterator[float]:
    """Return the residuals of a line with this slope through the means."""
    centre, mean = math.fsum(x) / len(x), math.fsum(y) / len(y)
    return (b - mean - steepness * (a - centre) for a, b in zip(x, y, strict=True))


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Hold the values of a series as the usual machine would give them, the newest run last.

    Attributes:
        values: the values.
        errors: standard error that adjusting added to ln(value); 0 where nothing was adjusted.
        log_factors: ln factor of the machine for each run; 0 where it was in line or unknown.
        learned: the history has shown how much of it the series takes on.
    """

    values: tuple[float, ...]
    errors: tuple[float, ...]
    log_factors: tuple[float, ...]
    learned: bool

    @property
    def factor(self) -> float | None:
        """Return how slow the machine was beside the newest run; None if as usual, or unknown."""
        return math.exp(self.log_factors[-1]) if self.log_factors[-1] else None


def unadjusted(values: Sequence[float]) -> Adjustment:
    """Return the values as they are, where nothing is known of the machine."""
    none = (0.0,) * len(values)
    return Adjustment(tuple(values), none, none, learned=False)


def adjusted(values: Sequence[float], slowdowns: Sequence[Slowdown], worse: int) -> Adjustment:
    """Adjust positive values by how slow the machine was beside each of them.

    Args:
        values: the values of each run, the newest last; it teaches nothing about the slope.
        slowdowns: one for each of them.
        worse: 1 when a higher value is worse, -1 when a lower one is.
    """
    factors = tuple(slowdown.log_factor for slowdown in slowdowns)
    if not any(factors):
        return unadjusted(values)
    known = slope([worse * math.log(value) for value in values[:-1]], factors[:-1])
    return Adjustment(
        tuple(
            value * math.exp(-worse * known.value * g)
            for value, g in zip(values, factors, strict=True)
        ),
        tuple(
            math.hypot(known.value * slowdown.error, slowdown.log_factor * known.sd)
            for slowdown in slowdowns
        ),
        factors,
        known.learned,
    )
