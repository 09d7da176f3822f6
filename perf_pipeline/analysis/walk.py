"""The walk over a history that finds its baseline: each run against the runs kept before it.

A replayed history is walked once for every run, so each step costs microseconds: the positions that
are kept stay in order of size, and no step sorts them. The figures are those of noise.py to the
last bit, because its sums are rounded once and do not depend on the order.
Add here: what makes a step cheaper. Keep out: which runs are kept (window.py), and formulas
(noise.py, suspicion.py).
"""

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from typing import Final

from perf_pipeline.analysis.noise import (
    centre_and_spread,
    sample_sd,
    student_t,
    winsorised_in_order,
)
from perf_pipeline.analysis.scale import Scale
from perf_pipeline.analysis.suspicion import BaselinePolicy, direction, is_beyond

_ROUNDING: Final = 1e-9


class KeptRuns:
    """Hold the runs that a walk keeps, and judge the next run by the newest of them.

    Args:
        positions: the positions of every run of the history on the scale, finite, the oldest first.
        policy: the gate.
        scale: scale of the change.
        minimum_effect: relative minimum effect; that of the policy when None.
    """

    def __init__(
        self,
        positions: Sequence[float],
        policy: BaselinePolicy,
        scale: Scale,
        minimum_effect: float | None,
    ) -> None:
        self._positions = positions
        self._policy = policy
        self._ruler = policy.ruler(scale, minimum_effect)
        self._in_order: list[float] = []
        self._widths: dict[int, float] = {}
        self.indices: list[int] = []

    def keep(self, index: int) -> None:
        """Keep a run of the history; it may be older than others that are kept."""
        place = bisect_right(self.indices, index)
        self.indices.insert(place, index)
        leaving = len(self.indices) - self._policy.window - 1
        if place <= leaving:
            return
        insort(self._in_order, self._positions[index])
        if leaving >= 0:
            gone = self._positions[self.indices[leaving]]
            del self._in_order[bisect_left(self._in_order, gone)]

    def direction(self, index: int) -> int:
        """Say in which direction a run is out of line: 1 upwards, -1 downwards, 0 not.

        It is 0, too, as long as fewer runs are kept than the policy needs.
        """
        if not self._in_order or len(self._in_order) < self._policy.minimum_runs:
            return 0
        kept = winsorised_in_order(self._in_order)
        centre = math.fsum(kept) / len(kept)
        distance = self._positions[index] - centre
        # Nearly all runs end here, and need no spread.
        if abs(self._ruler.change(distance)) < self._ruler.least_change(centre):
            return 0
        if self._is_surely_near(distance, sample_sd(kept, centre) if len(kept) > 1 else 0.0):
            return 0
        newest = self.indices[-self._policy.window :]
        level = centre_and_spread([self._positions[n] for n in newest], self._ruler.sd_floor)
        if not is_beyond(distance, level, len(newest), self._ruler, self._policy):
            return 0
        return 1 if distance > 0 else -1

    def _is_surely_near(self, distance: float, sd: float) -> bool:
        """Say that a run is in line, whatever the last bits of a spread are that knows no order."""
        runs = len(self._in_order)
        if runs not in self._widths:
            critical = student_t(1 - self._policy.alpha / 2, runs - 1) if runs > 1 else 0.0
            self._widths[runs] = critical * math.sqrt(1 + 1 / runs) * (1 - _ROUNDING)
        return abs(distance) < self._widths[runs] * sd


class UnlikeRuns:
    """Do the same for a history whose scale is not one, or that has figures that are no numbers.

    Args:
        history: figures, the oldest first.
        policy: the gate.
        minimum_effect: relative minimum effect; that of the policy when None.
        scale: scale of the change; when None, that of the runs that are compared.
    """

    def __init__(
        self,
        history: Sequence[float],
        policy: BaselinePolicy,
        minimum_effect: float | None,
        scale: Scale | None,
    ) -> None:
        self._history = history
        self._policy = policy
        self._minimum_effect = minimum_effect
        self._scale = scale
        self.indices: list[int] = []

    def keep(self, index: int) -> None:
        """Keep a run of the history; it may be older than others that are kept."""
        insort(self.indices, index)

    def direction(self, index: int) -> int:
        """Say in which direction a run is out of line: 1 upwards, -1 downwards, 0 not."""
        newest = [self._history[n] for n in self.indices[-self._policy.window :]]
        value = self._history[index]
        return direction(value, newest, self._policy, self._minimum_effect, scale=self._scale)


def kept_runs(
    history: Sequence[float],
    policy: BaselinePolicy,
    minimum_effect: float | None,
    scale: Scale | None,
) -> KeptRuns | UnlikeRuns:
    """Begin a walk over a history.

    Args:
        history: figures, the oldest first.
        policy: the gate.
        minimum_effect: relative minimum effect; that of the policy when None.
        scale: scale of the change; when None, that of the runs that are compared.
    """
    if scale is None and all(0 < run < math.inf for run in history):
        scale = Scale.RELATIVE
    if scale is None or not all(map(math.isfinite, history)):
        return UnlikeRuns(history, policy, minimum_effect, scale)
    positions = policy.ruler(scale, minimum_effect).positions(history)
    return KeptRuns(positions, policy, scale, minimum_effect)
