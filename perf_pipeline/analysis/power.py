"""Say how small a change a single run can show, and what would make it smaller.

Formulas and sources: docs/statistics.md.
Add here: another way to see smaller changes. Keep out: whether a run is out of line (suspicion.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from perf_pipeline.analysis.noise import centre_and_spread, student_t
from perf_pipeline.analysis.prediction import Prediction
from perf_pipeline.analysis.scale import Ruler, Scale
from perf_pipeline.analysis.series import Diff
from perf_pipeline.analysis.suspicion import WORSE_SIGN, BaselinePolicy
from perf_pipeline.analysis.window import unsuspicious

POWER: Final = 0.8
"""A change is detectable when one run shows it in so many of all cases."""

_HELPS_BELOW: Final = 0.9


@dataclass(frozen=True, slots=True)
class Outlook:
    """Hold the worsening (a ratio) of the median series that a run shows in 80 of 100 cases.

    Attributes:
        now: with the present history.
        full_window: with a baseline of the whole window and the same noise.
        half_noise: with the present history and half of its noise.
    """

    now: float
    full_window: float
    half_noise: float


def detectable_change(sd_log: float, runs: int, policy: BaselinePolicy) -> float:
    """Return the smallest relative worsening that a run shows as SUSPECT in 80 of 100 cases.

    exp(max(t(1 - alpha/2, n - 1) * error, ln(1 + e)) + t(0.8, n - 1) * error) - 1
    Source: Bloom (1995), minimum detectable effects.

    Args:
        sd_log: standard deviation of ln(value) over runs.
        runs: number of runs of the baseline, at least two.
        policy: the gate.
    """
    ruler: Ruler = policy.ruler(Scale.RELATIVE)
    error = max(sd_log, policy.sd_floor) * math.sqrt(1 + 1 / runs)
    beyond = max(student_t(1 - policy.alpha / 2, runs - 1) * error, ruler.least_distance(0.0, 1))
    return ruler.change(beyond + student_t(POWER, runs - 1) * error)


def outlook(histories: Sequence[Sequence[float]], policy: BaselinePolicy) -> Outlook | None:
    """Return the worsening that a run shows in the median series; None when none can be judged.

    Args:
        histories: the positive values of the newest level of each series, the oldest first.
        policy: the gate.
    """
    known: list[tuple[float, int]] = []
    for history in histories:
        baseline = unsuspicious(history, policy)
        if len(baseline) >= policy.minimum_runs and min(baseline) > 0:
            sd = centre_and_spread([math.log(run) for run in baseline], policy.sd_floor)[1]
            known.append((sd or policy.sd_floor, len(baseline)))
    if not known:
        return None
    return Outlook(
        now=median(detectable_change(sd, n, policy) for sd, n in known),
        full_window=median(detectable_change(sd, policy.window, policy) for sd, _ in known),
        half_noise=median(detectable_change(sd / 2, n, policy) for sd, n in known),
    )


@dataclass(frozen=True, slots=True)
class Remedy:
    """Say what would make a series show smaller changes (positive, on the scale of the effect).

    Attributes:
        now: the smallest worsening that a run shows in 80 of 100 cases.
        full_window: the same with a baseline of the whole window; None when the window is full.
        half_noise: the same with the present runs and half of their spread.
        window: number of runs of a full window.
    """

    now: float
    full_window: float | None
    half_noise: float
    window: int

    @property
    def helps(self) -> bool:
        """Say whether more runs or less noise help; otherwise the minimum effect is the limit."""
        best = min(self.half_noise, self.now if self.full_window is None else self.full_window)
        return best < _HELPS_BELOW * self.now


def remedy(diff: Diff) -> Remedy | None:
    """Return what would make a series show smaller changes; None where history was not the judge.

    The formula is that of `detectable_change`, on the scale of the diff. Where the spread is the
    sampling noise of the requests, it falls with the root of their number, so that four times the
    requests halve it. What the machine adds stays.
    """
    now, effect, policy = diff.minimum_detectable, diff.effect, diff.policy
    if policy is None or diff.error is None or effect is None or now is None:
        return None
    runs = diff.noise.n
    ruler = policy.ruler(effect.scale)
    sd = diff.error / math.sqrt(1 + 1 / runs)
    # Only the unit scale needs the centre, and there a change is a plain difference.
    centre = (diff.value or 0.0) - effect.change
    sign = WORSE_SIGN[diff.series.better] or 1

    def shown(spread: float, n: int) -> float:
        critical = student_t(1 - policy.alpha / 2, n - 1)
        error = max(spread, ruler.sd_floor) * math.sqrt(1 + 1 / n)
        return Prediction(n, centre, error, critical).detectable(ruler, sign)

    full = shown(sd, policy.window) if runs < policy.window else None
    return Remedy(now, full, shown(sd / 2, runs), policy.window)


def suspects_by_chance(series: int, policy: BaselinePolicy) -> float:
    """Return how many series of a run are SUSPECT on average although nothing changed.

    It is alpha / 2 for each series, the bad direction alone. It also holds for dependent series,
    because means add up. Where noise is small, the minimum effect makes it fewer. Half of 2 % of
    67:

    >>> suspects_by_chance(67, BaselinePolicy())
    0.67
    """
    return series * policy.alpha / 2
