"""The way a host's clock went during a load, as straight pieces through what was read of it.

Each reading is a bar that the truth goes through: an offset, and how far it can be wrong. A piece
is the longest straight line through the bars that follow, so that a clock of a steady rate has one
piece, which says its rate far better than two readings do; and a clock that did not measurably move
is left as it was, since lines through the noise of round trips would make durations worse.

Add here: another way to draw the line. Keep out: how readings are made and which are kept
(clock_offset.py), and the files that are corrected (corrected_spool.py).
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from perf_pipeline.fleet.clock_offset import OffsetReading


@dataclass(frozen=True, slots=True)
class ClockCourse:
    """Hold how far a host's clock was ahead of the driver's, at every moment of a load.

    Attributes:
        at_ns: ends of the pieces, by the driver's clock; the first is the reading before the load.
        offset_ns: the host's clock minus the driver's at these moments; straight between them.
        error_ns: how far that can be wrong, at any moment of the load.
    """

    at_ns: tuple[int, ...]
    offset_ns: tuple[int, ...]
    error_ns: int

    @property
    def is_straight(self) -> bool:
        """Say whether the clock went as the driver's did, so that nothing needs a correction."""
        return all(offset == self.offset_ns[0] for offset in self.offset_ns)

    @property
    def behind_ns(self) -> int:
        """Return how far the clock fell behind at most, by which starts were late."""
        return max(self.offset_ns[0] - offset for offset in self.offset_ns)

    @property
    def moved_ns(self) -> int:
        """Return how far the clock was at most from where it was before the load."""
        return max(abs(offset - self.offset_ns[0]) for offset in self.offset_ns)


def course_of(first: OffsetReading, readings: Sequence[OffsetReading], from_ns: int) -> ClockCourse:
    """Draw the course through the readings of a load.

    Between two readings nobody saw the clock. The error counts on it that it was somewhere between
    what the two say, which holds for a clock that drifts, and for one that is set once. So a clock
    that is set has an error of as much as it was set by.

    Args:
        first: the best reading before the load, by which its times are already corrected.
        readings: during and after it, in order.
        from_ns: when the load's first start may have been; what was between the readings before it
            is no error of the load.
    """
    at_ns, offset_ns = [first.at_ns], [0]
    low, high, last = -math.inf, math.inf, first
    for reading in (found for found in readings if found.at_ns > first.at_ns):
        room = reading.error_ns + first.error_ns
        its = _slopes(reading, first.offset_ns + offset_ns[-1], at_ns[-1], room)
        if max(low, its[0]) > min(high, its[1]):  # no straight line goes on to here
            offset_ns.append(offset_ns[-1] + _ahead(low, high, last.at_ns - at_ns[-1]))
            at_ns.append(last.at_ns)
            low, high = _slopes(reading, first.offset_ns + offset_ns[-1], at_ns[-1], room)
        else:
            low, high = max(low, its[0]), min(high, its[1])
        last = reading
    if last.at_ns > at_ns[-1]:
        offset_ns.append(offset_ns[-1] + _ahead(low, high, last.at_ns - at_ns[-1]))
        at_ns.append(last.at_ns)
    offsets = tuple(first.offset_ns + offset for offset in offset_ns)
    error_ns = _error_ns(at_ns, offsets, [first, *readings], from_ns)
    return ClockCourse(tuple(at_ns), offsets, error_ns)


def _slopes(
    reading: OffsetReading, from_offset_ns: int, from_ns: int, room_ns: int
) -> tuple[float, float]:
    """Return the lowest and the highest rate at which a line reaches a reading."""
    length_ns, rise_ns = reading.at_ns - from_ns, reading.offset_ns - from_offset_ns
    return (rise_ns - room_ns) / length_ns, (rise_ns + room_ns) / length_ns


def _ahead(low: float, high: float, length_ns: int) -> int:
    """Return how far the clock gets ahead in a piece; not at all where that may be so."""
    return 0 if low <= 0 <= high else round((low + high) / 2 * length_ns)


def _error_ns(
    at_ns: Sequence[int],
    offset_ns: Sequence[int],
    readings: Sequence[OffsetReading],
    from_ns: int,
) -> int:
    drawn = [_offset_at(at_ns, offset_ns, reading.at_ns) for reading in readings]
    error_ns = max(
        abs(reading.offset_ns - line) + reading.error_ns
        for reading, line in zip(readings, drawn, strict=True)
    )
    for (earlier, later), lines in zip(pairwise(readings), pairwise(drawn), strict=True):
        if later.at_ns > from_ns:
            lowest = min(earlier.offset_ns - earlier.error_ns, later.offset_ns - later.error_ns)
            highest = max(earlier.offset_ns + earlier.error_ns, later.offset_ns + later.error_ns)
            error_ns = max(error_ns, highest - min(lines), max(lines) - lowest)
    return error_ns


def _offset_at(at_ns: Sequence[int], offset_ns: Sequence[int], moment_ns: int) -> int:
    after = bisect_right(at_ns, moment_ns)
    if after in (0, len(at_ns)):
        return offset_ns[max(0, after - 1)]
    begin, end = at_ns[after - 1], at_ns[after]
    share = (moment_ns - begin) / (end - begin)
    return offset_ns[after - 1] + round(share * (offset_ns[after] - offset_ns[after - 1]))
