"""How small a change one run can show, and what would make it smaller.

Formulas and sources: docs/statistics.md.
Add here: another way to see more. Keep out: whether a run is out of line (suspicion.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from perf_pipeline.analysis.noise import centre_and_spread, student_t
from perf_pipeline.analysis.scale import Ruler, Scale
from perf_pipeline.analysis.suspicion import BaselinePolicy
from perf_pipeline.analysis.window import unsuspicious

POWER: Final = 0.8
"""A change is detectable when one run shows it in so many of all cases."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Say which worsening one run shows in 80 of 100 cases, in the median series; ratios.

    Attributes:
        now: with the history that there is.
        full_window: with a baseline of the whole window and the same noise.
        half_noise: with the history that there is and half of its noise.
    """

    now: float
    full_window: float
    half_noise: float


def detectable_change(sd_log: float, runs: int, policy: BaselinePolicy) -> float:
    """Give the smallest relative worsening that one run shows as SUSPECT in 80 of 100 cases.

    exp(max(t(1 - alpha/2, n - 1) * error, ln(1 + e)) + t(0.8, n - 1) * error) - 1
    Source: Bloom (1995), minimum detectable effects.

    Args:
        sd_log: standard deviation of ln(value) over runs.
        runs: of the baseline, at least two.
        policy: the gate.
    """
    ruler: Ruler = policy.ruler(Scale.RELATIVE)
    error = max(sd_log, policy.sd_floor) * math.sqrt(1 + 1 / runs)
    beyond = max(student_t(1 - policy.alpha / 2, runs - 1) * error, ruler.least_distance(0.0, 1))
    return ruler.change(beyond + student_t(POWER, runs - 1) * error)


def outlook(histories: Sequence[Sequence[float]], policy: BaselinePolicy) -> Outlook | None:
    """Give what the median of these series shows; None when none of them can be judged.

    Args:
        histories: one value per run of the newest level, positive, oldest first.
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
