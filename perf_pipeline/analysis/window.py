"""Finds the runs of a history that are the baseline, and where a change of level began.

Formulas and sources: docs/statistics.md.
Add here: a rule that decides which runs count. Keep out: the judgement of the newest run
(baseline.py).
"""

from collections.abc import Container, Mapping, Sequence
from typing import Final

from perf_pipeline.analysis.scale import Scale
from perf_pipeline.analysis.series import RUNS_BEFORE
from perf_pipeline.analysis.suspicion import BaselinePolicy, DiffStatus, direction
from perf_pipeline.analysis.walk import kept_runs

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
    walk = kept_runs(history, policy, minimum_effect, scale)
    found: list[int] = []
    for index in range(len(history)):
        found.append(walk.direction(index))
        if not found[index]:
            walk.keep(index)
        pending = index - RUNS_BEFORE
        if pending >= 0 and found[pending] and _stayed_alone(found, pending):
            walk.keep(pending)
    return tuple(walk.indices[-policy.window :])


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
    repeats: Container[int] = frozenset(),
) -> int:
    """Return where the baseline starts: at the last confirmed change whose new level is known.

    A change counts as soon as there are `minimum_runs` runs from it on, and most of these are out
    of line with the level before in the same direction. Until then the old level judges, so that a
    regression does not turn green by being run again, and a change that was repaired at once has no
    effect. Re-runs count neither way: they are of the same minutes as the run that they confirm.

    Args:
        values: one finite value per run, the oldest first.
        changes: indices of the first runs of confirmed changes.
        policy: the gate.
        minimum_effect: relative minimum effect; that of the policy when None.
        scale: scale of the change, as for `suspicion`.
        repeats: indices of re-runs.
    """
    start = 0
    for change in sorted(changes):
        baseline = unsuspicious(values[start:change], policy, minimum_effect, scale=scale)
        runs = [index for index in range(change, len(values)) if index not in repeats]
        first = [values[index] for index in runs[: policy.minimum_runs]]
        judged = [direction(run, baseline, policy, minimum_effect, scale=scale) for run in first]
        most = max(judged.count(1), judged.count(-1))
        if len(first) == policy.minimum_runs and 2 * most > len(first):
            start = change
    return start
