"""Measure another machine's clock before, during and after a load.

Add here: when it is asked. Keep out: asking (workloads/) and joining (analysis/clock.py).
"""

import threading
from typing import Final, Protocol

from perf_pipeline.analysis.clock import ClockOffset, ClockTrip, clock_offset
from perf_pipeline.errors import TargetUnavailableError

_BETWEEN_S: Final = 2.0
_MEANWHILE: Final = 2


class AskedClock(Protocol):
    """Describe a clock that can be asked; used by one thread at a time."""

    @property
    def name(self) -> str:
        """Return its name for sentences."""
        ...

    @property
    def trips_before(self) -> int:
        """Return how many questions a round before or after the load has."""
        ...

    def open(self) -> None:
        """Connect. Raises: TargetUnavailableError."""
        ...

    def trip(self) -> ClockTrip:
        """Ask once. Raises: TargetUnavailableError."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class ClockWatch:
    """Ask a clock: a round before, a few questions every other second meanwhile, a round after.

    Args:
        clock: the clock of the other machine.
    """

    def __init__(self, clock: AskedClock) -> None:
        self.name = clock.name
        self._clock = clock
        self._rounds: list[list[ClockTrip]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._meanwhile, name="clock", daemon=True)

    def begin(self) -> None:
        """Ask the first round, right before the load.

        Raises:
            TargetUnavailableError: it does not answer.
        """
        self._clock.open()
        self._rounds.append(self._asked(self._clock.trips_before))
        self._thread.start()

    def finish(self) -> ClockOffset | None:
        """Ask the last round, and say how far the clock is from ours; None where it is silent."""
        self._halt()
        try:
            self._rounds.append(self._asked(self._clock.trips_before))
        except TargetUnavailableError:
            return None
        return clock_offset(self._rounds)

    def close(self) -> None:
        """Let go of the clock, whatever happened."""
        self._halt()
        self._clock.close()

    def _halt(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _asked(self, count: int) -> list[ClockTrip]:
        return [self._clock.trip() for _ in range(count)]

    def _meanwhile(self) -> None:
        while not self._stop.wait(_BETWEEN_S):
            try:
                self._rounds.append(self._asked(_MEANWHILE))
            except TargetUnavailableError:
                continue  # the last round says whether it is gone
