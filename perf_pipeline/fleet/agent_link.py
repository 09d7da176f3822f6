"""The agent's end of a lasting connection: it waits for its driver, which may come back.

Add here: another rule on who may continue a connection. Keep out: what both ends do
(lasting_link.py), and accepting connections (agent.py).
"""

import hmac
import threading
import time
from collections import deque

from perf_pipeline.fleet.frames import Frame, FrameKind
from perf_pipeline.fleet.lasting_link import COUNT, LastingLink
from perf_pipeline.fleet.link import SILENCE_LIMIT_S, HostLink


class AgentLink(LastingLink):
    """Serve a driver, which may connect again.

    Frames wait while the driver is away, so that the spool stays on the disk.

    Args:
        raw: the first connection, whose other end has shown the token.
    """

    def __init__(self, raw: HostLink) -> None:
        super().__init__(raw)
        self._offers: deque[tuple[HostLink, int]] = deque()
        self._offered = threading.Condition()
        self._is_up = threading.Event()
        self._is_up.set()
        self._reader = 0

    def receive(self, timeout_s: float) -> Frame | None:
        """Return the next frame; None if nothing came in time."""
        self._reader = threading.get_ident()
        while True:
            before = self._raw
            if (frame := super().receive(timeout_s)) is not None or self._raw is before:
                return frame

    def send(self, kind: FrameKind, payload: bytes = b"") -> None:
        """Send a frame; if the driver is away, wait for its return first."""
        if threading.get_ident() != self._reader:  # this thread has to notice that it is back
            self._is_up.wait(SILENCE_LIMIT_S)
        super().send(kind, payload)

    def _broke(self) -> None:
        self._is_up.clear()
        super()._broke()

    def offer(self, raw: HostLink, count: int) -> None:
        """Hand a new connection to the receiving thread; any other thread may call this.

        Args:
            raw: the connection on which the driver asks to continue.
            count: the number of frames that the driver has.
        """
        with self._offered:
            self._offers.append((raw, count))
            self._offered.notify()
        self._raw.end()

    def _is_stale(self) -> bool:
        return False

    def _take_up_again(self) -> None:
        self._is_up.clear()
        until_s = self._heard_s + SILENCE_LIMIT_S
        try:
            while True:
                with self._offered:
                    while not self._offers:
                        if not self._offered.wait(max(0.0, until_s - time.monotonic())):
                            self._is_over = True  # tell threads that still want to send
                            raise EOFError
                    raw, count = self._offers.popleft()
                try:
                    raw.send(FrameKind.RESUMED, COUNT.pack(self._received))
                except OSError:  # it was given up in the meantime, and there will be another one
                    raw.close()
                    continue
                self._goes_on_with(raw, count)
                return
        finally:
            self._is_up.set()

    def close(self) -> None:
        """Close the connection for good, and also connections that came too late."""
        super().close()
        with self._offered:
            while self._offers:
                self._offers.popleft()[0].close()


def asked_to_resume(frame: Frame | None, token: str) -> int | None:
    """Return how many frames a returning driver has; None if it is somebody else."""
    if frame is None or frame[0] is not FrameKind.RESUME or len(frame[1]) < COUNT.size:
        return None
    if not hmac.compare_digest(frame[1][COUNT.size :], token.encode()):
        return None
    (count,) = COUNT.unpack_from(frame[1])
    return int(count)
