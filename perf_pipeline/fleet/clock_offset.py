"""Find how far a host's monotonic clock is from the driver's, and how exactly that is known.

A host is asked for its time over the connection. The answer was made at some moment of the round
trip, so assuming its middle is wrong by at most half of the round trip, and the shortest of several
round trips is the most exact (Cristian, Probabilistic clock synchronization, Distributed Computing
3, 1989).

Add here: another way to narrow the bound. Keep out: connections (host_clock.py), the line through
the readings (clock_course.py), limits (engine/health.py).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_SECOND_NS: Final = 1_000_000_000
_SPAN_NS: Final = 10 * _SECOND_NS
"""A clock drifts by 1 ms in 10 s, at most (100 ppm), as long as nobody corrects it."""
_FINE_NS: Final = 100 * _SECOND_NS
_BEFORE_NS: Final = 400_000_000
"""A load's first start comes later than this after its begin (engine/processes.py)."""
_GOOD_ERROR_NS: Final = 1_000_000
_FAR_BETTER: Final = 4


@dataclass(frozen=True, slots=True)
class OffsetReading:
    """Hold the result of one round trip.

    Attributes:
        at_ns: the middle of the round trip, by the driver's clock.
        offset_ns: the host's clock minus the driver's.
        error_ns: the largest possible error of the offset.
    """

    at_ns: int
    offset_ns: int
    error_ns: int

    @classmethod
    def of(cls, sent_ns: int, there_ns: int, received_ns: int) -> "OffsetReading":
        """Make a reading from the driver's times around a round trip and the host's time within it.

        >>> OffsetReading.of(100, 1_130, 140)
        OffsetReading(at_ns=120, offset_ns=1010, error_ns=20)
        """
        middle_ns = (sent_ns + received_ns) // 2
        return cls(middle_ns, there_ns - middle_ns, (received_ns - sent_ns + 1) // 2)

    def is_good_beside(self, error_ns: int) -> bool:
        """Say whether this reading is still useful next to one with a given error."""
        return self.error_ns <= max(_GOOD_ERROR_NS, _FAR_BETTER * error_ns)


class OffsetTrack:
    """Follow a host's clock through a load with nearly constant memory.

    It keeps the best reading of the first 0.4 s, then of each second, and later of each 10 s; and
    one from after the load, so that the whole load is between two readings.

    Args:
        first: the best reading before the load, by which the load's times are corrected.

    Attributes:
        first: the same.
    """

    def __init__(self, first: OffsetReading) -> None:
        self.first = first
        self._began_ns = first.at_ns
        self._best: dict[int, OffsetReading] = {}
        self._end: OffsetReading | None = None

    @property
    def from_ns(self) -> int:
        """Return when the load's first start may have been."""
        return self._began_ns + _BEFORE_NS

    def restart(self, now_ns: int) -> None:
        """Forget earlier readings during a load, because a load begins.

        While files are sent to the host, answers wait for them, which says nothing about the load.
        """
        self._began_ns, self._best, self._end = now_ns, {}, None

    def add(self, reading: OffsetReading) -> None:
        """Take a reading during the load; readings from before are ignored."""
        age_ns = reading.at_ns - self._began_ns
        if age_ns < reading.error_ns:
            return
        known = self._best.get(piece := _piece(age_ns))
        if known is None or reading.error_ns < known.error_ns:
            self._best[piece] = reading

    def end(self, reading: OffsetReading) -> None:
        """Take the best reading after the load; one from its last seconds is too early."""
        self._end = reading

    def readings(self) -> list[OffsetReading]:
        """Return the useful readings in order.

        A delayed reading is left out if another one within 10 s is far better, because it would
        only bend the line through the others. The last reading stays, because it covers the end.
        """
        found = sorted(self._best.copy().values(), key=lambda reading: reading.at_ns)
        if (end := self._end) is not None:
            found = [*(reading for reading in found if reading.at_ns < end.at_ns), end]
        at_ns = [reading.at_ns for reading in found]
        return [
            reading
            for reading in found
            if reading is found[-1] or reading.is_good_beside(_least_near(reading, found, at_ns))
        ]


def _least_near(
    reading: OffsetReading, found: Sequence[OffsetReading], at_ns: Sequence[int]
) -> int:
    begin = bisect_left(at_ns, reading.at_ns - _SPAN_NS)
    end = bisect_right(at_ns, reading.at_ns + _SPAN_NS)
    return min(its.error_ns for its in found[begin:end])


def _piece(age_ns: int) -> int:
    """Return the number of the time span of which one reading is kept."""
    if age_ns < _BEFORE_NS:
        return 0
    if age_ns < _FINE_NS:
        return 1 + age_ns // _SECOND_NS
    return 1 + _FINE_NS // _SECOND_NS + age_ns // _SPAN_NS


def best_of(readings: Sequence[OffsetReading]) -> OffsetReading:
    """Return the reading with the shortest round trip, from at least one."""
    return min(readings, key=lambda reading: reading.error_ns)
