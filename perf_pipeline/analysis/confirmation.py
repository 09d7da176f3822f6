"""What a run and its re-runs say together about a series: how many, and by how much.

Formulas and sources: docs/statistics.md.
Add here: another rule over a run and its re-runs. Keep out: making re-runs (runs/), and a run alone
(suspicion.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from perf_pipeline.analysis.baseline import Diff, DiffStatus
from perf_pipeline.analysis.scale import Effect, Scale

OUT: Final = frozenset({DiffStatus.SUSPECT, DiffStatus.REGRESSED})
IN_LINE: Final = frozenset({DiffStatus.OK, DiffStatus.IMPROVED})


@dataclass(frozen=True, slots=True)
class Count:
    """Count the runs of a series that are out of line in the bad direction.

    Attributes:
        out: so many are.
        runs: of so many: the run itself, the two before it, and its re-runs.
    """

    out: int
    runs: int

    @property
    def is_majority(self) -> bool:
        """Say whether more than half of all runs are."""
        return 2 * self.out > self.runs

    def __str__(self) -> str:
        return f"{self.out} of {self.runs} runs"


def counted(one: Diff, again: Sequence[DiffStatus]) -> Count:
    """Count over a run that is out of line, the two before it, and its re-runs.

    A re-run that nobody can judge (LEARNING, INVALID, ENVIRONMENT_CHANGED) does not count.

    Args:
        one: the comparison of the run itself.
        again: what each re-run says.
    """
    known = [status for status in (*one.before, *again) if status in OUT | IN_LINE]
    return Count(1 + sum(status in OUT for status in known), 1 + len(known))


def together(one: Diff, again: Sequence[float]) -> Effect | None:
    """Give the change of a run and its re-runs together, with the interval of their mean.

    The half width of one new run, t * s * sqrt(1 + 1/n), becomes that of the mean of k:
    t * s * sqrt(1/k + 1/n), n being the runs of the baseline. Source: Hahn and Meeker (1991),
    Statistical intervals, chapter 4 (prediction interval of the mean of future observations).

    Args:
        one: the comparison of the run itself.
        again: the change of each re-run, on the scale of its effect.

    Returns:
        None where the run has no interval of its own, or was not run again.
    """
    effect = one.effect
    if effect is None or effect.low is None or effect.high is None or not again or not one.noise.n:
        return None
    changes = [effect.change, *again]
    if effect.scale is Scale.RELATIVE and min(*changes, effect.low) <= -1:
        return None
    runs, n = len(changes), one.noise.n
    narrower = math.sqrt((1 / runs + 1 / n) / (1 + 1 / n))
    low, high = _position(effect.low, effect.scale), _position(effect.high, effect.scale)
    centre = math.fsum(_position(change, effect.scale) for change in changes) / runs
    half = narrower * (high - low) / 2
    return Effect(
        _change(centre, effect.scale),
        _change(centre - half, effect.scale),
        _change(centre + half, effect.scale),
        effect.scale,
    )


def _position(change: float, scale: Scale) -> float:
    return math.log1p(change) if scale is Scale.RELATIVE else change


def _change(position: float, scale: Scale) -> float:
    return math.expm1(position) if scale is Scale.RELATIVE else position
