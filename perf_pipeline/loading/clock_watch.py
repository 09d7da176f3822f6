"""Measure another machine's clock before, during and after a load.

Add here: another moment at which it is read. Keep out: reading it (workloads/) and combining the
trips (analysis/clock.py).
"""

import threading
from typing import Final, Protocol

from perf_pipeline.analysis.clock import ClockOffset, ClockTrip, clock_offset
from perf_pipeline.errors import TargetUnavailableError

_BETWEEN_S: Final = 2.0
_MEANWHILE: Final = 2


class AskedClock(Protocol):
    """Describe a clock that can be asked for the time; only one thread uses it at a time."""

    @property
    def name(self) -> str:
        """Return its name for messages."""
        ...

    @property
    def trips_before(self) -> int:
        """Return the number of questions in a round before or after the load."""
        ...

    def open(self) -> None:
        """Connect. Raises: TargetUnavailableError."""
        ...

    def trip(self) -> ClockTrip:
        """Ask for the time once. Raises: TargetUnavailableError."""
        ...

    def close(self) -> None:
        """Release all resources."""
        ...


class ClockWatch:
    """Ask a clock: a round before the load, some questions every other second, a round after it.

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
        """Ask the first round of questions, right before the load.

        Raises:
            TargetUnavailableError: it does not answer.
        """
        self._clock.open()
        self._rounds.append(self._asked(self._clock.trips_before))
        self._thread.start()

    def finish(self) -> ClockOffset | None:
        """Ask the last round, and return how far the clock is from ours; None if it is silent."""
        self._halt()
        try:
            self._rounds.append(self._asked(self._clock.trips_before))
        except TargetUnavailableError:
            return None
        return clock_offset(self._rounds)

    def close(self) -> None:
        """Release the clock, whatever happened."""
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
                continue  # the last round shows whether it is gone
