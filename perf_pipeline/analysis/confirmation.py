"""Combine a run and its re-runs for one series: how many agree, and by how much it changed.

Formulas and sources: docs/statistics.md.
Add here: another rule over a run and its re-runs. Keep out: making re-runs (runs/), and a run alone
(suspicion.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.analysis.noise import student_t
from perf_pipeline.analysis.scale import Effect, Scale, change_of, distance_of
from perf_pipeline.analysis.suspicion import JUDGED, WORSE, WORSE_SIGN

_STRICTER: Final = 0.1


@dataclass(frozen=True, slots=True)
class Count:
    """Count the runs of a series that are out of line in the bad direction.

    Attributes:
        out: the number of runs that are out of line.
        runs: the number of runs that count: the run itself, the two before it, and its re-runs.
    """

    out: int
    runs: int

    @property
    def is_majority(self) -> bool:
        """Say whether more than half of the runs are out of line."""
        return 2 * self.out > self.runs

    def __str__(self) -> str:
        return f"{self.out} of {self.runs} runs"


def counted(diff: Diff, again: Sequence[DiffStatus]) -> Count:
    """Count the runs out of line among a suspect run, the two before it, and its re-runs.

    A re-run that can't be judged (LEARNING, INVALID, ENVIRONMENT_CHANGED) does not count.

    Args:
        diff: the comparison of the run itself.
        again: the result of each re-run.
    """
    known = [status for status in (*diff.before, *again) if status in JUDGED]
    return Count(1 + sum(status in WORSE for status in known), 1 + len(known))


def together(diff: Diff, again: Sequence[float]) -> Effect | None:
    """Return the change of a run and its re-runs together, with the interval of their mean.

    The half width of one new run, t * s * sqrt(1 + 1/n), becomes that of the mean of k:
    t * s * sqrt(1/k + 1/n), n being the runs of the baseline. Source: Hahn and Meeker (1991),
    Statistical intervals, chapter 4 (prediction interval of the mean of future observations).

    Args:
        diff: the comparison of the run itself.
        again: the change of each re-run, on the scale of its effect.

    Returns:
        None if the run has no interval of its own, or was not run again.
    """
    effect = diff.effect
    if effect is None or effect.low is None or effect.high is None or not again or not diff.noise.n:
        return None
    changes = [effect.change, *again]
    if effect.scale is Scale.RELATIVE and min(*changes, effect.low) <= -1:
        return None
    runs, n = len(changes), diff.noise.n
    low, high = distance_of(effect.low, effect.scale), distance_of(effect.high, effect.scale)
    centre = math.fsum(distance_of(change, effect.scale) for change in changes) / runs
    half = _narrower(runs, n) * (high - low) / 2
    return Effect(
        change_of(centre, effect.scale),
        change_of(centre - half, effect.scale),
        change_of(centre + half, effect.scale),
        effect.scale,
    )


def is_confirmed(diff: Diff, again: Sequence[DiffStatus], changes: Sequence[float]) -> bool:
    """Say whether a suspect run is a regression when its re-runs are counted as well.

    More than half of them must be out of line. If an earlier run is one of them, the run and its
    re-runs must be so on average (`is_clear`); otherwise by so much that common disturbances do not
    matter (`is_beyond_doubt`).

    Args:
        diff: the comparison of the run itself.
        again: the result of each re-run.
        changes: the change of each re-run, on the scale of its effect.
    """
    independent = diff.status is DiffStatus.REGRESSED
    if not counted(diff, again).is_majority:
        return False
    return is_clear(diff, changes) if independent else is_beyond_doubt(diff, changes)


def is_clear(diff: Diff, again: Sequence[float]) -> bool:
    """Say whether a run and its re-runs are out of line on average, as runs of their own.

    Their mean is judged as that of so many runs, at a tenth of the level. Three runs are out of
    line beside two that are not by chance alone in one of two hundred whole runs of 82 series. A
    run without a spread of its own is not doubted, and neither is one without re-runs.

    Args:
        diff: the comparison of the run itself.
        again: the change of each re-run, on the scale of its effect.
    """
    if not again or not diff.noise.n:
        return True
    return _mean_is_beyond(diff, again, _error_of_mean(diff, len(again) + 1))


def _error_of_mean(diff: Diff, runs: int) -> float:
    """Return the standard error of the mean of so many runs, on the scale of the effect.

    What adjusting for a slower machine added is the same in all of them, and stays.
    """
    n, error, own = diff.noise.n, diff.error or 0.0, diff.error or 0.0
    by_ratio = diff.effect is not None and diff.effect.scale is Scale.RELATIVE
    if by_ratio and diff.machine_factor is not None and diff.noise.sd_log is not None:
        own = min(error, diff.noise.sd_log * math.sqrt(1 + 1 / n))
    added = math.sqrt(error**2 - own**2)
    return math.hypot(own * _narrower(runs, n), added)


def _narrower(runs: int, n: int) -> float:
    """Return the error of the mean of so many runs against n others, as a share of a single one's.

    Source: see `together`.
    """
    return math.sqrt((1 / runs + 1 / n) / (1 + 1 / n))


def is_beyond_doubt(diff: Diff, again: Sequence[float]) -> bool:
    """Say whether a run and its re-runs are a regression even if they all share one noise.

    Re-runs of one session share its machine and its neighbours, so that three of them may tell no
    more than one. Their mean is judged as a single run is, at a tenth of the level, and it must be
    beyond the runs before (`Diff.order_limit`). A run without a spread of its own is not doubted.

    Args:
        diff: the comparison of the run itself.
        again: the change of each re-run, on the scale of its effect.
    """
    return _mean_is_beyond(diff, again, diff.error or 0.0, diff.order_limit)


def _mean_is_beyond(
    diff: Diff, again: Sequence[float], error: float, limit: float | None = None
) -> bool:
    """Say whether the mean of all runs is beyond a limit, and beyond chance at a tenth of alpha."""
    effect, policy = diff.effect, diff.policy
    if effect is None or policy is None or diff.error is None or diff.noise.n < 2:
        return True
    changes = [effect.change, *again]
    if effect.scale is Scale.RELATIVE and min(changes) <= -1:
        return False
    worse = WORSE_SIGN[diff.series.better]
    mean = worse * math.fsum(distance_of(change, effect.scale) for change in changes) / len(changes)
    strict = student_t(1 - policy.alpha * _STRICTER / 2, diff.noise.n - 1) * error
    return mean > strict and (limit is None or mean > limit)
