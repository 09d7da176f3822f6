"""Keep a load's time in integer µs since the benchmark's origin, and wait without waking early.

Add here: another way to wait on time. Keep out: what happens after the wait (runner.py).
"""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count
from time import monotonic_ns

from perf_pipeline.engine.timerfd import TimerFd

_NS_PER_US = 1_000


class MonotonicClock:
    """Implement `ports.Clock` for a worker; create it inside the running event loop.

    Args:
        origin_ns: time.monotonic_ns() of the benchmark's start, the same in all processes.
    """

    def __init__(self, origin_ns: int) -> None:
        self._origin_ns = origin_ns
        self._alarm = _open_alarm(self._ring)
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()
        self._loop = asyncio.get_running_loop()

    @property
    def origin_ns(self) -> int:
        """Return the origin as `time.monotonic_ns` reads it, to convert stamps taken elsewhere."""
        return self._origin_ns

    def now_us(self) -> int:
        """Return the time in integer µs since the origin."""
        return (monotonic_ns() - self._origin_ns) // _NS_PER_US

    async def sleep_until_us(self, at_us: int) -> None:
        """Return at `at_us`, or as soon after it as the machine allows, but never before."""
        if at_us <= self.now_us():
            await asyncio.sleep(0)
            return
        sleeper: asyncio.Future[None] = self._loop.create_future()
        order = next(self._order)
        heapq.heappush(self._sleepers, (at_us, order, sleeper))
        # Found by its number, because compiled code may hold a tuple in more than one object.
        if self._sleepers[0][1] == order:
            self._alarm.arm(self._origin_ns + at_us * _NS_PER_US)
        await sleeper

    def close(self) -> None:
        """Release the timer; nobody may be sleeping any more."""
        self._alarm.close()

    def _ring(self) -> None:
        sleepers = self._sleepers
        now_us = self.now_us()
        while sleepers and sleepers[0][0] <= now_us:
            sleeper = heapq.heappop(sleepers)[2]
            if not sleeper.done():  # done means that it was cancelled while it slept
                sleeper.set_result(None)
        if sleepers:
            self._alarm.arm(self._origin_ns + sleepers[0][0] * _NS_PER_US)


class _TimerFdAlarm:
    """Call back from a timerfd that the event loop reads."""

    def __init__(self, ring: Callable[[], None], timer: TimerFd) -> None:
        self._ring = ring
        self._timer = timer
        self.arm = timer.arm
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(timer.fd, self._expired)

    def _expired(self) -> None:
        self._timer.acknowledge()
        self._ring()

    def close(self) -> None:
        self._loop.remove_reader(self._timer.fd)
        self._timer.close()


class _LoopAlarm:
    """Call back from the event loop's timers, where there is no timerfd (macOS).

    These may be early; `_ring` then finds nobody due and sets the alarm again.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None

    def arm(self, at_ns: int) -> None:
        self.close()
        delay_s = max(0, at_ns - monotonic_ns()) / 1e9
        self._handle = self._loop.call_later(delay_s, self._ring)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()


def _open_alarm(ring: Callable[[], None]) -> _TimerFdAlarm | _LoopAlarm:
    try:
        return _TimerFdAlarm(ring, TimerFd())
    except OSError:
        return _LoopAlarm(ring)
