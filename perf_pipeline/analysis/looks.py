"""Plan when a running comparison may be looked at, and how much error each look may make.

Stopping as soon as a difference shows would find one in everything. So the looks are planned, and
the error of the whole is divided among them.
Add here: another way of dividing it. Keep out: what is looked at (duet.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_POWER: Final = 2
_SHARES: Final = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Look:
    """Plan one look.

    Attributes:
        at_us: when, in µs of measured time.
        alpha: chance of a wrong finding that this look may have.
    """

    at_us: int
    alpha: float


def planned_looks(length_us: int, alpha: float, shares: Sequence[float] = _SHARES) -> list[Look]:
    """Return the looks of a comparison that takes at most this long; their errors sum to alpha.

    After a share t of the time the spent error is alpha times t². Source: K. Kim, D. L. DeMets,
    Design and Analysis of Group Sequential Tests Based on the Type I Error Spending Rate Function,
    1987. The increments are used as they are (a union bound), so that the error holds whatever the
    looks have in common.

    >>> [round(look.alpha, 5) for look in planned_looks(60_000_000, 0.01, (0.5, 1.0))]
    [0.0025, 0.0075]
    """
    spent = [0.0, *(alpha * share**_POWER for share in shares)]
    return [
        Look(round(length_us * share), after - before)
        for share, (before, after) in zip(shares, pairwise(spent), strict=True)
    ]
