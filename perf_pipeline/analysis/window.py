"""Which runs of a history are the baseline, and where a change of level began.

Formulas and sources: docs/statistics.md.
Add here: a rule of which runs count. Keep out: the judgement of the newest run (baseline.py).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from perf_pipeline.analysis.scale import Scale
from perf_pipeline.analysis.series import RUNS_BEFORE
from perf_pipeline.analysis.suspicion import BaselinePolicy, DiffStatus, suspicion

_DIRECTION: Final[Mapping[DiffStatus, int]] = {DiffStatus.SUSPECT: 1, DiffStatus.IMPROVED: -1}


def unsuspicious(
    history: Sequence[float],
    policy: BaselinePolicy,
    minimum_effect: float | None = None,
    *,
    scale: Scale | None = None,
) -> tuple[float, ...]:
    """Give the values of the runs that are `in_line`."""
    kept = in_line(history, policy, minimum_effect, scale=scale)
    return tuple(history[index] for index in kept)


def in_line(
    history: Sequence[float],
    policy: BaselinePolicy,
    minimum_effect: float | None = None,
    *,
    scale: Scale | None = None,
) -> tuple[int, ...]:
    """Give the baseline of a history: indices of its last `window` runs that were not out of line.

    Walks from the oldest run on and judges each against the baseline before it; the first
    `minimum_runs` are kept unseen. A run out of line, in either direction, stays out until two
    more runs are known; if it stayed alone in its direction (none of the two before and the two
    after) it was chance and comes back. Leaving every such run out for good would cut the tails
    off the noise and triple the false alarms (docs/statistics.md).
    """
    directions: list[int] = []
    kept: list[bool] = []
    for run in history:
        baseline = [history[index] for index in _kept(kept)[-policy.window :]]
        judged = suspicion(run, baseline, policy, "lower", minimum_effect, scale=scale)
        directions.append(_DIRECTION.get(judged.status, 0))
        kept.append(not directions[-1])
        oldest_pending = len(directions) - 1 - RUNS_BEFORE
        if oldest_pending >= 0 and _stayed_alone(directions, oldest_pending):
            kept[oldest_pending] = True
    return tuple(_kept(kept)[-policy.window :])


def _kept(kept: Sequence[bool]) -> list[int]:
    return [index for index, keep in enumerate(kept) if keep]


def _stayed_alone(directions: Sequence[int], index: int) -> bool:
    around = directions[max(0, index - RUNS_BEFORE) : index + RUNS_BEFORE + 1]
    return around.count(directions[index]) == 1


def episode(statuses: Sequence[DiffStatus]) -> int:
    """Give the first run of the change that the last one is part of."""
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
    """Give where the baseline starts: at the last confirmed change whose new level is known.

    A change counts as soon as `minimum_runs` runs exist from it on and most of these first ones
    are out of line with the level before, in one direction. Until then the old level judges, so
    that a regression doesn't turn green by being run again, and one that was repaired at once
    changes nothing.

    Args:
        values: one per run, finite, oldest first.
        changes: indices of the first runs of confirmed changes.
        policy: the gate.
        minimum_effect: relative; the policy's when None.
        scale: as for `suspicion`.
    """
    start = 0
    for change in sorted(changes):
        baseline = unsuspicious(values[start:change], policy, minimum_effect, scale=scale)
        first = values[change : change + policy.minimum_runs]
        judged = [
            suspicion(run, baseline, policy, "lower", minimum_effect, scale=scale).status
            for run in first
        ]
        most = max(judged.count(status) for status in _DIRECTION)
        if len(first) == policy.minimum_runs and 2 * most > len(first):
            start = change
    return start
