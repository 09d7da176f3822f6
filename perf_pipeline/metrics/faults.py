"""A fault as it really was: when it began and was undone, and what the load felt of it.

Add here: a moment of a fault that reports need (and a migration in store/). Keep out: faults as a
profile writes them (config/faults.py).
"""

from dataclasses import dataclass, fields
from typing import Final


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """Record a fault; all times are µs since the benchmark's origin.

    Attributes:
        position: place in the profile, from 0 on.
        fault: its name, the tag `fault` of its metrics.
        kind: as in the profile.
        what: the part that it hit, or the command.
        injected_us: when it began.
        undo_us: when its undo began.
        undone_us: when that was done: a part that was started again answers.
        effect_us: when the load felt it first; None where it did not, or nobody can tell.
        recovered_us: since when all was as before; None where it was not seen.
        within_us: how exact these two are.
    """

    position: int
    fault: str
    kind: str
    what: str
    injected_us: int
    undo_us: int
    undone_us: int
    effect_us: int | None = None
    recovered_us: int | None = None
    within_us: int | None = None


FAULT_COLUMNS: Final = tuple(field.name for field in fields(FaultRecord))
