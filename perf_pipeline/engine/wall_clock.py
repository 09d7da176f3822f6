"""Notice that somebody sets the wall clock while a load runs.

All durations are by the monotonic clock; the stamps of other processes (deliveries, probes of their
clocks) are not, so a clock that was set only for a moment is reported as well.
Add here: another check of the wall clock. Keep out: how far is too far (health.py).
"""

import time


def wall_clock_offset_ms() -> float:
    """Return wall clock minus monotonic clock, which changes only when somebody sets the clock.

    Slewing (NTP) moves both in the same way.
    """
    return _offset_ns() / 1e6


def wall_clock_at_us(origin_ns: int) -> int:
    """Return what the wall clock showed at a moment of the monotonic clock, by its present offset.

    Args:
        origin_ns: the moment, as `time.monotonic_ns` told it.

    Returns:
        µs since 1970.
    """
    return (_offset_ns() + origin_ns) // 1_000


def _offset_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_REALTIME) - time.monotonic_ns()


class WallClockWatch:
    """Remember how far the wall clock was set, at most, since this was made.

    Attributes:
        step_ms: the largest move, ms; positive where it was set forward.
    """

    def __init__(self) -> None:
        self.step_ms = 0.0
        self._first_ms = wall_clock_offset_ms()

    def look(self) -> None:
        """Take in how far it has been set by now."""
        moved_ms = wall_clock_offset_ms() - self._first_ms
        self.step_ms = max(self.step_ms, moved_ms, key=abs)
