"""Work out how much slower the machine was during a run, by a calibration that never changes.

It is the covariate that tells a slower machine from a slower system. Formulas and sources:
docs/statistics.md.
Add here: how readings of the machine become one factor for a run. Keep out: how they are measured
(probes/), and what a factor does to a series (covariate.py).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

LEAST_READINGS: Final = 5
"""With fewer readings in a history nothing is known of what the machine usually takes."""

_SD_FLOOR: Final = 0.02
_SD_PER_HALF_LENGTH: Final = 1.4826
_ALL_OUT_SDS: Final = 2.0
_ALONE_OUT_SDS: Final = 3.0
# By Cauchy and Schwarz, the weighted mean is nearer than two spreads where the squares are below 4.
_SURELY_IN_LINE: Final = 3.999


@dataclass(frozen=True, slots=True)
class Machine:
    """Hold what the calibration beside one benchmark of one run measured.

    Each figure is in s for a fixed piece of work that never changes: more is slower. A figure that
    is None, zero, negative or not finite is not known.

    Attributes:
        cpu_s: computing on one core.
        loopback_s: round trips over the loopback interface.
        disk_s: a write with fsync in the state folder.
    """

    cpu_s: float | None = None
    loopback_s: float | None = None
    disk_s: float | None = None


PARTS: Final[tuple[str, ...]] = ("cpu_s", "loopback_s", "disk_s")


@dataclass(frozen=True, slots=True)
class Slowdown:
    """Say how much slower the machine was than usual.

    Attributes:
        log_factor: ln of the factor, positive when slower; 0 when its figures are in line.
        error: standard error of it; 0 when its figures are in line.
    """

    log_factor: float = 0.0
    error: float = 0.0


_AS_USUAL: Final = Slowdown()


def slowdowns(
    machines: Sequence[Machine | None], now: Machine | None, parts: Sequence[str] = PARTS
) -> tuple[Slowdown, ...]:
    """Return the slowdown of each run of a history, and of the newest run as the last one.

    A part's usual figure is the middle of the shortest half of the history's, so that two types of
    machine do not blur it; its spread is the half length of that half (Rousseeuw and Leroy, 1987).
    Where parts alone are out of line by three spreads, their mean is the slowdown; otherwise it is
    the mean of all where that is out of line by two. Means are weighted by 1 / spread^2.

    Args:
        machines: one entry for each run of the history; None where nothing was measured.
        now: that of the newest run.
        parts: which figures count.
    """
    return _slowdowns((*machines, now), tuple(parts))


# All series of a benchmark have the same machines beside the same runs.
@lru_cache(maxsize=2_048)
def _slowdowns(every: tuple[Machine | None, ...], parts: tuple[str, ...]) -> tuple[Slowdown, ...]:
    found: list[list[tuple[float, float]]] = [[] for _ in every]
    for part in parts:
        for n, deviation, sd in _deviations([_log(machine, part) for machine in every]):
            found[n].append((deviation, sd))
    return tuple(map(_combined, found))


def aligned(machines: Sequence[Machine | None], runs: int) -> tuple[Machine | None, ...]:
    """Return one entry per run of a history; None for every run where nothing was given.

    Raises:
        ValueError: there is another number of machines than of runs.
    """
    if not machines:
        return (None,) * runs
    if len(machines) != runs:
        raise ValueError(f"{len(machines)} machines were given for {runs} runs; give one for each")
    return tuple(machines)


def _log(machine: Machine | None, part: str) -> float | None:
    value: float | None = getattr(machine, part, None)
    return math.log(value) if value is not None and 0 < value < math.inf else None


def _deviations(logs: Sequence[float | None]) -> Iterator[tuple[int, float, float]]:
    """Return (index, deviation, spread) of each run whose figure is known; the last run is new."""
    history = [log for log in logs[:-1] if log is not None]
    if len(history) < LEAST_READINGS:
        return
    centre, sd = usual(history)
    for n, log in enumerate(logs):
        if log is not None:
            yield n, log - centre, sd


def usual(values: Sequence[float]) -> tuple[float, float]:
    """Return the middle of the shortest half of at least two values, and the spread by its length.

    The spread is 1.4826 * (1 + 5 / (n - 1)) * half of the length, and at least 0.02.
    Source: Rousseeuw and Leroy (1987), Robust regression and outlier detection, chapters 4 and 5.

    >>> usual([1.0, 1.1, 1.2, 9.0, 9.5])[0]
    1.1
    """
    ordered = sorted(values)
    n = len(ordered)
    size = n // 2 + 1
    start = min(range(n - size + 1), key=lambda at: ordered[at + size - 1] - ordered[at])
    low, high = ordered[start], ordered[start + size - 1]
    sd = _SD_PER_HALF_LENGTH * (1 + 5 / (n - 1)) * (high - low) / 2
    return (low + high) / 2, max(sd, _SD_FLOOR)


def _combined(parts: Sequence[tuple[float, float]]) -> Slowdown:
    if sum((value / sd) ** 2 for value, sd in parts) < _SURELY_IN_LINE:
        return _AS_USUAL
    alone = [(value, sd) for value, sd in parts if abs(value) > _ALONE_OUT_SDS * sd]
    if alone:
        return _weighted(alone)
    together = _weighted(parts) if parts else Slowdown()
    is_out = abs(together.log_factor) > _ALL_OUT_SDS * together.error
    return together if is_out else Slowdown()


def _weighted(parts: Sequence[tuple[float, float]]) -> Slowdown:
    weights = [sd**-2 for _, sd in parts]
    total = math.fsum(weights)
    mean = math.fsum(w * value for w, (value, _) in zip(weights, parts, strict=True)) / total
    return Slowdown(mean, total**-0.5)
