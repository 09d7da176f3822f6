"""The clock of an HTTP server, by the Date of its answers: where there is nothing better.

Date (RFC 9110, 6.6.1) has whole seconds only. Questions are timed so that the second changes about
when they are answered; each then halves what is not known.
Add here: a header with a finer time. Keep out: joining the trips (analysis/clock.py).
"""

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from time import sleep
from typing import Final

from perf_pipeline.analysis.clock import ClockTrip
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.units import US_PER_S
from perf_pipeline.workloads.http.plain_client import PlainClient


class HttpClock:
    """Ask a server for the time.

    Args:
        client: the client of the target.
        path: any path; its status does not matter.
        now_us: our clock.
    """

    name: Final = "the API's clock (HTTP Date)"
    trips_before: Final = 8

    def __init__(self, client: PlainClient, path: str, now_us: Callable[[], int]) -> None:
        self._client, self._path, self._now_us = client, path, now_us
        self._low_us, self._high_us = -(2**62), 2**62

    def open(self) -> None:
        """Connect, so that no trip has to."""
        self._ask()

    def trip(self) -> ClockTrip:
        """Ask once, at the best moment for it.

        Raises:
            TargetUnavailableError: no answer, or one without Date.
        """
        if self._high_us - self._low_us < 2 * US_PER_S:
            # Where the offset is the middle of what is possible, their second changes then.
            middle_us = (self._low_us + self._high_us) // 2
            sleep(-(self._now_us() + middle_us) % US_PER_S / US_PER_S)
        trip = self._ask()
        low_us, high_us = trip.offsets_us
        if low_us > self._high_us or high_us < self._low_us:  # the clock was set meanwhile
            self._low_us, self._high_us = low_us, high_us
        else:
            self._low_us = max(self._low_us, low_us)
            self._high_us = min(self._high_us, high_us)
        return trip

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _ask(self) -> ClockTrip:
        sent_us = self._now_us()
        try:
            answer = self._client.get(self._path)
            told = parsedate_to_datetime(answer.headers["date"])
        except OSError as error:
            raise TargetUnavailableError(f"{self.name} does not answer: {error}") from None
        except (KeyError, ValueError, TypeError):
            raise TargetUnavailableError(
                f"{self.name} is unknown: the answers have no Date",
                hint='name another clock with clock = "postgres" or "broker"',
            ) from None
        return ClockTrip(
            sent_us, self._now_us(), round(told.timestamp()) * US_PER_S, resolution_us=US_PER_S
        )
