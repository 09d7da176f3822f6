"""How far a host's monotonic clock is from the driver's, and how well that is known.

A host's clock is asked over the connection. The answer was made at some moment of the round trip,
so its middle is wrong by half of the round trip at most, and the shortest of several round trips
tells most (Cristian, Probabilistic clock synchronization, Distributed Computing 3, 1989).

Add here: another way to narrow the bound. Keep out: connections (host_clock.py), limits
(engine/health.py).
"""

from dataclasses import dataclass, field
from typing import Final

_PIECE_NS: Final = 10_000_000_000
"""The best reading of 10 s counts: a clock drifts by 1 ms in them, at most (100 ppm)."""


@dataclass(frozen=True, slots=True)
class OffsetReading:
    """Hold what one round trip tells.

    Attributes:
        at_ns: the middle of the round trip, by the driver's clock.
        offset_ns: the host's clock minus the driver's.
        error_ns: how far the offset can be wrong.
    """

    at_ns: int
    offset_ns: int
    error_ns: int

    @classmethod
    def of(cls, sent_ns: int, there_ns: int, received_ns: int) -> "OffsetReading":
        """Make a reading of the driver's times around, and the host's time within, a round trip.

        >>> OffsetReading.of(100, 1_130, 140)
        OffsetReading(at_ns=120, offset_ns=1010, error_ns=20)
        """
        middle_ns = (sent_ns + received_ns) // 2
        return cls(middle_ns, there_ns - middle_ns, (received_ns - sent_ns + 1) // 2)


@dataclass(slots=True)
class OffsetTrack:
    """Follow a host's clock through a load.

    Attributes:
        first: the reading that the load's times are corrected by; the best one before it.
        best: the best reading of each piece of the time since the load began.
    """

    first: OffsetReading
    best: dict[int, OffsetReading] = field(default_factory=dict)

    def restart(self) -> None:
        """Forget how well the clock was known up to now: a load begins.

        While files go to the host, an answer waits for them, which says nothing of the load.
        """
        self.best = {}

    def add(self, reading: OffsetReading) -> None:
        """Take a reading during or after the load."""
        piece = (reading.at_ns - self.first.at_ns) // _PIECE_NS
        known = self.best.get(piece)
        if known is None or reading.error_ns < known.error_ns:
            self.best[piece] = reading

    @property
    def error_ns(self) -> int:
        """Return how far the corrected clock can have been from the driver's, at any reading.

        Where the host's clock goes faster or slower, what it has moved since the first reading is
        part of it.
        """
        best = list(self.best.values())  # another thread may add to it
        moved = (abs(r.offset_ns - self.first.offset_ns) + r.error_ns for r in best)
        return max(self.first.error_ns, *moved, 0)


def best_of(readings: list[OffsetReading]) -> OffsetReading:
    """Return the reading of the shortest round trip; there is at least one."""
    return min(readings, key=lambda reading: reading.error_ns)
