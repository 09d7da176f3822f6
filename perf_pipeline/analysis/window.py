"""Finds the runs of a history that are the baseline, and where a change of level began.

Formulas and sources: docs/statistics.md.
Add here: a rule that decides which runs count. Keep out: the judgement of the newest run
(baseline.py).
"""

import math
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from perf_pipeline.analysis.scale import Scale
from perf_pipeline.analysis.series import RUNS_BEFORE
from perf_pipeline.analysis.suspicion import BaselinePolicy, DiffStatus, direction, directions

_DIRECTION: Final[Mapping[DiffStatus, int]] = {DiffStatus.SUSPECT: 1, DiffStatus.IMPROVED: -1}


def unsuspicious(
    history: Sequence[float],
    policy: BaselinePolicy,
    minimum_effect: float | None = None,
    *,
    scale: Scale | None = None,
) -> tuple[float, ...]:
    """Return the values of the runs that are `in_line`."""
    kept = in_line(history, policy, minimum_effect, scale=scale)
    return tuple(history[index] for index in kept)


def in_line(
    history: Sequence[float],
    policy: BaselinePolicy,
    minimum_effect: float | None = None,
    *,
    scale: Scale | None = None,
) -> tuple[int, ...]:
    """Return the indices of a history's baseline: its last `window` runs that were in line.

    Starting with the oldest, each run is judged against the baseline before it; the first
    `minimum_runs` are kept without a judgement. A run that is out of line, in either direction,
    stays out until two more runs are known. If neither the two runs before nor the two after are
    out in the same direction, it was chance, and the run comes back. Leaving every such run out for
    good would cut the tails off the noise and triple the false alarms (docs/statistics.md).
    """
    judge = _judge(history, policy, minimum_effect, scale)
    found: list[int] = []
    kept: list[int] = []
    values: list[float] = []
    for index, run in enumerate(history):
        found.append(judge(run, tuple(values[-policy.window :])))
        if not found[index]:
            kept.append(index)
            values.append(run)
        pending = index - RUNS_BEFORE
        if pending >= 0 and found[pending] and _stayed_alone(found, pending):
            place = bisect(kept, pending)
            kept.insert(place, pending)
            values.insert(place, history[pending])
    return tuple(kept[-policy.window :])


def _judge(
    history: Sequence[float],
    policy: BaselinePolicy,
    minimum_effect: float | None,
    scale: Scale | None,
) -> Callable[[float, tuple[float, ...]], int]:
    """Return what says in which direction a run is out of line with the runs before it."""
    if scale is not None and all(map(math.isfinite, history)):
        return directions(policy, scale, minimum_effect)
    return lambda run, runs: direction(run, runs, policy, minimum_effect, scale=scale)


def _stayed_alone(found: Sequence[int], index: int) -> bool:
    around = found[max(0, index - RUNS_BEFORE) : index + RUNS_BEFORE + 1]
    return around.count(found[index]) == 1


def episode(statuses: Sequence[DiffStatus]) -> int:
    """Return the first run of the change that the last run is part of."""
    ahead = _DIRECTION.get(statuses[-1], 0)
    first = len(statuses) - 1
    while earlier := [
        index
        for index in range(max(0, first - RUNS_BEFORE), first)
        if _DIRECTION.get(statuses[index], 0) == ahead
    ]:
        first = earlier[0]
    return first


def anchor(
    values: Sequence[float],
    changes: Sequence[int],
    policy: BaselinePolicy,
    minimum_effect: float | None = None,
    *,
    scale: Scale | None = None,
) -> int:
    """Return where the baseline starts: at the last confirmed change whose new level is known.

    A change counts as soon as there are `minimum_runs` runs from it on, and most of these are out
    of line with the level before in the same direction. Until then the old level judges, so that a
    regression does not turn green by being run again, and a change that was repaired at once has no
    effect.

    Args:
        values: one finite value per run, the oldest first.
        changes: indices of the first runs of confirmed changes.
        policy: the gate.
        minimum_effect: relative minimum effect; that of the policy when None.
        scale: scale of the change, as for `suspicion`.
    """
    start = 0
    for change in sorted(changes):
        baseline = unsuspicious(values[start:change], policy, minimum_effect, scale=scale)
        first = values[change : change + policy.minimum_runs]
        judged = [direction(run, baseline, policy, minimum_effect, scale=scale) for run in first]
        most = max(judged.count(1), judged.count(-1))
        if len(first) == policy.minimum_runs and 2 * most > len(first):
            start = change
    return start
