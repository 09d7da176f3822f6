"""Work out how far another machine's clock is from ours, with a bound on the error.

A message that is sent at s and answered at r, with the other clock's time T in it, was stamped
between s and r: the offset T - t lies between T - r and T - s. Several trips are intersected.
Source: F. Cristian, Probabilistic clock synchronization, Distributed Computing 3 (1989).
Add here: another way to narrow the bound. Keep out: asking clocks (probes/).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClockTrip:
    """Record one question to another clock.

    Attributes:
        sent_us: when the question was sent, by our clock.
        received_us: when the answer arrived, by our clock.
        told_us: the time of the other clock.
        resolution_us: the true time is less than this after `told_us`, because clocks are
            truncated.
    """

    sent_us: int
    received_us: int
    told_us: int
    resolution_us: int = 1

    @property
    def offsets_us(self) -> tuple[int, int]:
        """Return the smallest and the largest offset (theirs minus ours) that explain the trip."""
        return (
            self.told_us - self.received_us,
            self.told_us + self.resolution_us - self.sent_us,
        )


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """Hold how far another clock is ahead of ours.

    Attributes:
        offset_us: theirs minus ours.
        error_us: the largest possible error of the offset.
    """

    offset_us: int
    error_us: int


def clock_offset(rounds: Iterable[Sequence[ClockTrip]]) -> ClockOffset | None:
    """Combine rounds of trips before, during and after a load; None without any trip.

    If no single offset explains all of them, because a clock drifts or was set, the bound covers
    everything that the rounds show.

    >>> clock_offset([[ClockTrip(0, 10, 305)], [ClockTrip(100, 130, 415)]])
    ClockOffset(offset_us=300, error_us=6)
    """
    intervals = [_joined([trip.offsets_us for trip in trips]) for trips in rounds if trips]
    if not intervals:
        return None
    low, high = _joined(intervals)
    middle = (low + high) // 2
    return ClockOffset(middle, max(high - middle, middle - low))


def _joined(intervals: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Intersect intervals; if they have nothing in common, span all of them."""
    lows, highs = [low for low, _ in intervals], [high for _, high in intervals]
    if max(lows) <= min(highs):
        return max(lows), min(highs)
    return min(lows), max(highs)
