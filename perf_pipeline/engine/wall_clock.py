"""Notice when the wall clock is set while a load runs.

All durations come from the monotonic clock, but timestamps of other processes (deliveries, probes
of their clocks) do not, so even a clock that was set only for a moment is reported.
Add here: another check of the wall clock. Keep out: how far is too far (health.py).
"""

import time


def wall_clock_offset_ms() -> float:
    """Return wall clock minus monotonic clock, which changes only if the clock is set.

    Slewing (NTP) moves both in the same way.
    """
    return _offset_ns() / 1e6


def wall_clock_at_us(origin_ns: int) -> int:
    """Convert a moment of the monotonic clock to wall-clock time by the present offset.

    Args:
        origin_ns: the moment in `time.monotonic_ns`.

    Returns:
        The time in µs since 1970.
    """
    return (_offset_ns() + origin_ns) // 1_000


def _offset_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_REALTIME) - time.monotonic_ns()


class WallClockWatch:
    """Remember how far at most the wall clock was set since this object was created.

    Attributes:
        step_ms: the largest change in ms; positive if the clock was set forward.
    """

    def __init__(self) -> None:
        self.step_ms = 0.0
        self._first_ms = wall_clock_offset_ms()

    def look(self) -> None:
        """Check how far the clock has been set by now."""
        moved_ms = wall_clock_offset_ms() - self._first_ms
        self.step_ms = max(self.step_ms, moved_ms, key=abs)
