"""Ask for the time of a worker's host over the connection to its agent.

Add here: another moment at which it is asked. Keep out: evaluating the answers (clock_offset.py),
and other messages (distant_worker.py).
"""

import struct
import time
from collections.abc import Sequence
from typing import Final

from perf_pipeline.fleet.clock_course import ClockCourse, course_of
from perf_pipeline.fleet.clock_offset import OffsetReading, OffsetTrack, best_of
from perf_pipeline.fleet.driver_link import DriverLink
from perf_pipeline.fleet.frames import FrameKind
from perf_pipeline.fleet.link import SILENCE_LIMIT_S

_ROUND_TRIPS: Final = 20
_ANSWER_LIMIT_S: Final = 1.0
_GOOD_LIMIT_S: Final = 3.0
_PAUSE_S: Final = 0.1
_TIME: Final = struct.Struct("<q")
_TIMES: Final = struct.Struct("<qq")


class HostClock:
    """Ask a host for the time, at first many times in a row.

    Args:
        link: the link to its agent.

    Attributes:
        track: the readings from the answers.

    Raises:
        EOFError: the agent closed the connection.
        OSError: the connection is broken, or no answer came.
        ValueError: an answer is not a time.
    """

    def __init__(self, link: DriverLink) -> None:
        self._link = link
        self.track = OffsetTrack(best_of(self._round_trips()))

    def ask(self) -> None:
        """Send a question; pass its answer to `take`.

        Raises:
            OSError: the connection is broken.
        """
        self._link.send(FrameKind.PING, _TIME.pack(time.monotonic_ns()))

    def take(self, answer: bytes) -> None:
        """Take an answer that has just come.

        Raises:
            ValueError: it is no time.
        """
        self.track.add(_reading_of(answer))

    def course(self) -> ClockCourse:
        """Return the course of the clock since the load began, as far as it is known."""
        return course_of(self.track.first, self.track.readings(), self.track.from_ns)

    def ask_again(self) -> None:
        """Ask many times and wait for the answers, when the agent sends nothing else any more.

        A question that was lost with a connection is asked again. While others end as well, round
        trips are long; so this continues for a while until a round trip is as short as before the
        load. There are pauses, because hundreds of hosts asking without pauses would only delay one
        another.

        Raises:
            EOFError: the agent closed the connection.
            OSError: the connection is broken.
            ValueError: no answer came, or an answer is not a time.
        """
        began_s, readings = time.monotonic(), list[OffsetReading]()
        while not self._is_enough(readings, time.monotonic() - began_s):
            if len(readings) >= _ROUND_TRIPS:
                # Listen during the pause, because the answer to an older question must not wait for
                # its end.
                readings += self._answers(_PAUSE_S)
            self.ask()
            readings += self._answers(_ANSWER_LIMIT_S)
        if not readings:
            raise ValueError("it does not tell the time any more")
        self.track.end(best_of(readings))

    def _answers(self, limit_s: float) -> list[OffsetReading]:
        """Return the answer in the next frame; nothing if none came, or it is not an answer."""
        frame = self._link.receive(limit_s)
        if frame is None or frame[0] is not FrameKind.PONG:
            return []
        return [_reading_of(frame[1])]

    def _is_enough(self, readings: Sequence[OffsetReading], asked_for_s: float) -> bool:
        if len(readings) < _ROUND_TRIPS:
            return asked_for_s >= SILENCE_LIMIT_S
        if asked_for_s >= _GOOD_LIMIT_S:
            return True
        return best_of(readings).is_good_beside(self.track.first.error_ns)

    def _round_trips(self) -> list[OffsetReading]:
        readings: list[OffsetReading] = []
        self.ask()
        while len(readings) < _ROUND_TRIPS:
            frame = self._link.receive(SILENCE_LIMIT_S)
            if frame is None:
                raise TimeoutError("it does not tell the time")
            if frame[0] is FrameKind.PONG:
                readings.append(_reading_of(frame[1]))
                self.ask()
        # The answer to the last question.
        readings.append(_reading_of(self._link.expected(FrameKind.PONG)))
        return readings


def _reading_of(payload: bytes) -> OffsetReading:
    received_ns = time.monotonic_ns()
    try:
        sent_ns, there_ns = _TIMES.unpack(payload)
    except struct.error:
        raise ValueError("it told no time") from None
    return OffsetReading.of(sent_ns, there_ns, received_ns)
