"""The driver's end of a lasting connection: it reconnects when the connection is lost.

Add here: another sign that a connection is lost. Keep out: what both ends do (lasting_link.py), and
how a host is reached (dask_engine.py).
"""

import time
from collections.abc import Callable
from typing import Final

from perf_pipeline.fleet.frames import Frame, FrameKind
from perf_pipeline.fleet.lasting_link import COUNT, PAUSE_S, LastingLink
from perf_pipeline.fleet.link import SILENCE_LIMIT_S, HostLink

_STALE_S: Final = 3.0
"""A cable that is back is found sooner by a new connection than by TCP, which waits ever longer."""
_TRY_S: Final = 2.0

Connect = Callable[[float], HostLink]
"""Makes a connection within so many s; raises OSError."""


class DriverLink(LastingLink):
    """Connect to an agent, and connect again when the connection is lost.

    Args:
        connect: connects to the agent.
        token: the token that identifies the driver.

    Attributes:
        away_s: the longest silence before the connection was restored; 0 if that was never needed.

    Raises:
        OSError: there is no connection.
    """

    def __init__(self, connect: Connect, token: str) -> None:
        self._connect = connect
        self._token = token.encode()
        self.away_s = 0.0
        raw = connect(SILENCE_LIMIT_S)
        raw.send(FrameKind.HELLO, self._token)
        super().__init__(raw)

    def receive(self, timeout_s: float) -> Frame | None:
        """Return the next frame; None if nothing came in time, or the connection is new."""
        return super().receive(min(timeout_s, _STALE_S))

    def _is_stale(self) -> bool:
        return time.monotonic() - self._heard_s >= _STALE_S

    def _take_up_again(self) -> None:
        silent_since_s = self._heard_s
        self._raw.end()
        while (left_s := silent_since_s + SILENCE_LIMIT_S - time.monotonic()) > 0:
            if self._is_over:
                raise EOFError
            try:
                raw, count = self._tried(min(left_s, _TRY_S))
            except ConnectionRefusedError:
                raise EOFError from None  # the host is there, but the agent is not
            except (OSError, EOFError, ValueError):
                time.sleep(PAUSE_S)
                continue
            self.away_s = max(self.away_s, time.monotonic() - silent_since_s)
            self._goes_on_with(raw, count)
            return
        raise TimeoutError(f"nothing came for {SILENCE_LIMIT_S:.0f} s")

    def _tried(self, limit_s: float) -> tuple[HostLink, int]:
        raw = self._connect(limit_s)
        try:
            raw.send(FrameKind.RESUME, COUNT.pack(self._received) + self._token)
            frame = raw.receive(limit_s)
        except (OSError, EOFError, ValueError):
            raw.close()
            raise
        if frame is None or frame[0] is not FrameKind.RESUMED or len(frame[1]) != COUNT.size:
            raw.close()
            raise TimeoutError("it does not answer")
        return raw, COUNT.unpack(frame[1])[0]
