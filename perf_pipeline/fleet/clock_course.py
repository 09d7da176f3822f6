"""The course of a host's clock during a load, as straight pieces through its readings.

Each reading is a bar through which the true course goes: an offset, and its possible error. A piece
is the longest straight line through consecutive bars, so a clock with a steady rate has one piece,
which shows its rate far better than two readings. A clock that did not measurably move is left
unchanged, because lines through the noise of round trips would make durations worse.

Add here: another way to draw the line. Keep out: making and choosing readings (clock_offset.py),
and correcting files (corrected_spool.py).
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
        at_ns: the ends of the pieces by the driver's clock; the first is the reading before the
            load.
        offset_ns: the host's clock minus the driver's at these moments; linear in between.
        error_ns: the largest possible error at any moment of the load.
    """

    at_ns: tuple[int, ...]
    offset_ns: tuple[int, ...]
    error_ns: int

    @property
    def is_straight(self) -> bool:
        """Say whether the clock ran like the driver's, so that nothing needs correction."""
        return all(offset == self.offset_ns[0] for offset in self.offset_ns)

    @property
    def behind_ns(self) -> int:
        """Return how far the clock fell behind at most, which made starts late."""
        return max(self.offset_ns[0] - offset for offset in self.offset_ns)

    @property
    def moved_ns(self) -> int:
        """Return the largest change of the clock's offset since before the load."""
        return max(abs(offset - self.offset_ns[0]) for offset in self.offset_ns)


def course_of(first: OffsetReading, readings: Sequence[OffsetReading], from_ns: int) -> ClockCourse:
    """Draw the course through the readings of a load.

    Between two readings the clock is unknown. The error assumes that its offset was between those
    of the two readings, which is true for a clock that drifts or is set once. So for a clock that
    is set, the error is as large as the step.

    Args:
        first: the best reading before the load, by which times are already corrected.
        readings: the readings during and after the load, in order.
        from_ns: when the load's first start may have been; what was between the readings before it
            is no error of the load.
    """
    at_ns, offset_ns = [first.at_ns], [0]
    low, high, last = -math.inf, math.inf, first
    for reading in (found for found in readings if found.at_ns > first.at_ns):
        room = reading.error_ns + first.error_ns
        its = _slopes(reading, first.offset_ns + offset_ns[-1], at_ns[-1], room)
        if max(low, its[0]) > min(high, its[1]):  # no straight line reaches this reading
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
    """Return how far the clock gets ahead in a piece; 0 if it may not have moved."""
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
