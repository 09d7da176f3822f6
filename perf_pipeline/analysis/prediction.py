"""Say how far from its baseline a new run may be, and which change it would show.

Formulas and sources: docs/statistics.md.
Add here: another property of such an interval. Keep out: whether a run is out of line
(suspicion.py).
"""

from dataclasses import dataclass
from typing import Final

from perf_pipeline.analysis.noise import student_t
from perf_pipeline.analysis.scale import Ruler

_MDE_POWER: Final = 0.8


@dataclass(frozen=True, slots=True)
class Prediction:
    """Predict a new run on a ruler.

    Attributes:
        n: number of runs that give the spread, with n - 1 degrees of freedom.
        centre: position of the centre.
        error: standard error of a new run, s * sqrt(1 + 1/n).
        critical: the critical value, t(1 - alpha/2, n - 1).
    """

    n: int
    centre: float
    error: float
    critical: float

    @property
    def half_width(self) -> float:
        """Return half of the prediction interval, as a distance of positions."""
        return self.critical * self.error

    def detectable(self, ruler: Ruler, sign: int) -> float:
        """Return the smallest change upwards (1) or downwards (-1) that a single run shows.

        It shows in 80 of 100 cases, and is a positive number on the scale of the ruler.
        Source: Bloom (1995).
        """
        needed = max(self.half_width, ruler.least_distance(self.centre, sign))
        return abs(ruler.change(sign * (needed + student_t(_MDE_POWER, self.n - 1) * self.error)))
