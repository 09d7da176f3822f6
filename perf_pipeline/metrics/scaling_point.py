"""The row of one point of a scaling run, as the spool and the history hold it.

Add here: another fact of a point. Keep out: the law through all of them (analysis/scaling.py).
"""

from dataclasses import dataclass, fields
from typing import Final

NOT_TRIED: Final = "NOT_TRIED"
"""In place of what a search finds: there was none at this number of units."""


@dataclass(frozen=True, slots=True)
class ScalingPoint:
    """Hold what a search for the capacity at a number of units found.

    Attributes:
        position: from 1, in the order of the units.
        units: how many there were.
        kind: CAPACITY, AT_LEAST, NOTHING, UNCONFIRMED or UNFINISHED as of any search, or NOT_TRIED.
        per_s: the capacity, or the highest rate that held; not a number where none is known.
        low_per_s: lower end of its interval; as above.
        high_per_s: upper end of its interval; not a number where it is open.
        first_window: number of its first window, 0 where there is none.
        last_window: number of its last one.
        told: the sentence about it.
    """

    position: int
    units: int
    kind: str
    per_s: float
    low_per_s: float
    high_per_s: float
    first_window: int
    last_window: int
    told: str


SCALING_POINT_COLUMNS: Final = tuple(field.name for field in fields(ScalingPoint))
