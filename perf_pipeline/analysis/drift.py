"""Decide whether a quantity grew during a steady load, and how fast: a robust slope with interval.

The slope is the median of those between all pairs of points (Theil 1950; Sen 1968, Estimates of the
Regression Coefficient Based on Kendall's Tau, JASA 63), so that single odd readings don't move it.
Its interval is Sen's, which inverts the test of Mann and Kendall; the variance of that test is
enlarged because neighbouring readings resemble one another (Hamed and Rao 1998, A modified
Mann-Kendall trend test for autocorrelated data, Journal of Hydrology 204), by the autocorrelations
up to the first that is not positive (after Geyer 1992, Practical Markov Chain Monte Carlo): a saw
of a garbage collector would else look as if it were many independent readings.

Add here: another estimate of a steady growth. Keep out: what is watched (loading/), and growth of a
queue within one window (capacity/growth.py).
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

LEAST_POINTS: Final = 10
"""Fewer readings say nothing about a trend."""
MOST_POINTS: Final = 120
"""More are joined to this many medians of neighbours, each of which counts as one point."""
ERROR: Final = 0.05
"""How often one of the quantities of a steady benchmark may be called growing, all together."""
GROWS: Final = "grows"
STAYS: Final = "does not grow"
UNKNOWN: Final = "cannot tell"
_LONGEST: Final = 1_000.0


@dataclass(frozen=True, slots=True)
class Drift:
    """Hold how fast something grew, per hour, and the interval of that.

    Attributes:
        points: how many points the slope rests on.
        hours: from the first of them to the last.
        level: their median.
        per_h: the slope.
        low_per_h: lower end of its interval; None where the points bound it nowhere.
        high_per_h: upper end.
    """

    points: int
    hours: float
    level: float
    per_h: float
    low_per_h: float | None
    high_per_h: float | None

    def finding(self, margin: float) -> str:
        """Say GROWS, STAYS or UNKNOWN.

        Args:
            margin: it does not grow where all that the interval allows, over the time that was
                watched, is at most this share of its level.
        """
        if self.low_per_h is None or self.high_per_h is None:
            return UNKNOWN
        if self.low_per_h > 0:
            return GROWS
        return STAYS if self.high_per_h * self.hours <= margin * abs(self.level) else UNKNOWN

    def hours_to_tell(self, margin: float) -> float | None:
        """Return how long to watch until one knows, if all goes on like this; None where unknown.

        The interval of a slope becomes narrower with the time watched to the power of 3/2.
        """
        if self.low_per_h is None or self.high_per_h is None:
            return None
        half = (self.high_per_h - self.low_per_h) / 2
        if self.per_h > 0:
            factor = (half / self.per_h) ** (2 / 3)
        else:
            allowed = margin * abs(self.level)
            factor = (half * self.hours / allowed) ** 2 if allowed else math.inf
        return self._longer(factor)

    def hours_to_decide(self, bound: float) -> float | None:
        """Return how long to watch until the interval leaves out a bound of the slope."""
        if self.low_per_h is None or self.high_per_h is None or self.per_h == bound:
            return None
        half = (self.high_per_h - self.low_per_h) / 2
        return self._longer((half / abs(bound - self.per_h)) ** (2 / 3))

    def _longer(self, factor: float) -> float | None:
        return self.hours * max(1.0, factor) if factor < _LONGEST else None


def drift_of(points: Sequence[tuple[float, float]], error: float = ERROR) -> Drift | None:
    """Return how fast values grow; None where there are fewer than 10 points.

    Args:
        points: (hours, value), ordered by time.
        error: how often the interval may miss the slope.
    """
    import numpy as np  # noqa: PLC0415 - 0.1 s of import that few commands need

    if len(points) < LEAST_POINTS:
        return None
    given = np.asarray(points, dtype=np.float64)
    at_h, values = _joined(given[:, 0], given[:, 1])
    first, second = np.triu_indices(len(values), 1)
    apart = at_h[second] - at_h[first]
    if not (apart > 0).all():
        return None
    slopes = np.sort((values[second] - values[first]) / apart)
    per_h = float(np.median(slopes))
    reach = NormalDist().inv_cdf(1 - error / 2) * math.sqrt(
        _variance(values) * _dependence(values - per_h * at_h)
    )
    # Sen's ends are the slopes numbered (N - C) / 2 and (N + C) / 2 + 1, counted from 1.
    low = math.floor((len(slopes) - reach) / 2) - 1
    high = math.ceil((len(slopes) + reach) / 2)
    is_bounded = low >= 0 and high < len(slopes)
    return Drift(
        points=len(values),
        hours=float(at_h[-1] - at_h[0]),
        level=float(np.median(values)),
        per_h=per_h,
        low_per_h=float(slopes[low]) if is_bounded else None,
        high_per_h=float(slopes[high]) if is_bounded else None,
    )


def _joined(at_h: "Values", values: "Values") -> "tuple[Values, Values]":
    """Join neighbours, so that there are at most MOST_POINTS."""
    import numpy as np  # noqa: PLC0415 - as above

    if len(values) <= MOST_POINTS:
        return at_h, values
    ends = np.linspace(0, len(values), MOST_POINTS + 1).astype(int)
    spans = list(itertools.pairwise(ends))
    return (
        np.array([at_h[begin:end].mean() for begin, end in spans]),
        np.array([np.median(values[begin:end]) for begin, end in spans]),
    )


def _variance(values: "Values") -> float:
    """Return the variance of Kendall's S without a trend; equal values make it smaller."""
    import numpy as np  # noqa: PLC0415 - as above

    count = len(values)
    ties = np.unique(values, return_counts=True)[1]
    tied = float((ties * (ties - 1) * (2 * ties + 5)).sum())
    return (count * (count - 1) * (2 * count + 5) - tied) / 18


def _dependence(rest: "Values") -> float:
    """Return by what the variance of S is larger because neighbours resemble one another.

    Args:
        rest: the values without their slope; their ranks are looked at, as Hamed and Rao do.
    """
    ranks = _ranks(rest)
    count, power = len(rest), float((ranks * ranks).sum())
    if power == 0:
        return 1.0
    found = 0.0
    for lag in range(1, count - 2):
        alike = float((ranks[lag:] * ranks[:-lag]).sum()) / power
        if alike <= 0:
            break
        found += (count - lag) * (count - lag - 1) * (count - lag - 2) * alike
    return 1 + 2 * found / (count * (count - 1) * (count - 2))


def _ranks(values: "Values") -> "Values":
    """Return the rank of each value, equal ones sharing theirs, with the mean at zero."""
    import numpy as np  # noqa: PLC0415 - as above

    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Values = (np.cumsum(counts) - (counts - 1) / 2)[place].astype(np.float64)
    centred: Values = ranks - ranks.mean()
    return centred
