"""A connection between driver and agent that survives interruptions of the network.

Frames are numbered in order, and kept until the other end acknowledges them. If the connection
ends, or is silent for three seconds, the driver makes a new one; both ends say how many frames they
have, and the missing ones are sent again. Questions about the time are never sent again, because
they carry the acknowledgements, and an old one is useless.

Add here: what both ends do. Keep out: what only one of them does (driver_link.py, agent_link.py), a
single connection (link.py), and what frames mean (agent.py, distant_worker.py).
"""

import json
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from contextlib import suppress
from typing import Final

from perf_pipeline.fleet.frames import Frame, FrameKind
from perf_pipeline.fleet.link import SILENCE_LIMIT_S, HostLink

COUNT: Final = struct.Struct("<Q")
_ASKING: Final = (FrameKind.PING, FrameKind.PONG)
PAUSE_S: Final = 0.2


class LastingLink(ABC):
    """Send frames from any thread, and receive them in one; each arrives once and in order.

    Args:
        raw: the first connection.
    """

    def __init__(self, raw: HostLink) -> None:
        self._raw = raw
        self._order = threading.Lock()
        self._kept: deque[Frame] = deque()
        self._sent = self._received = 0
        self._heard_s = time.monotonic()
        self._is_over = False

    @property
    def is_encrypted(self) -> bool:
        """Say whether the connection is encrypted."""
        return self._raw.is_encrypted

    def send(self, kind: FrameKind, payload: bytes = b"") -> None:
        """Send a frame, now or when the connection is back.

        Raises:
            OSError: the other end was given up, or this end was closed.
        """
        with self._order:
            if self._is_over:
                raise BrokenPipeError("the connection ended")
            if kind in _ASKING:
                payload = COUNT.pack(self._received) + payload
            else:
                self._kept.append((kind, payload))
                self._sent += 1
            try:
                self._raw.send(kind, payload)
            except OSError:
                self._broke()

    def _broke(self) -> None:
        """Let the receiving thread notice that the connection is broken."""
        self._raw.end()

    def send_json(self, kind: FrameKind, values: object) -> None:
        """Send a frame that holds JSON."""
        self.send(kind, json.dumps(values).encode())

    def receive(self, timeout_s: float) -> Frame | None:
        """Return the next frame; None if nothing came in time, or the connection is new.

        Raises:
            EOFError: the other end closed the connection.
            OSError: the connection is broken and could not be restored in time.
            ValueError: the bytes are not a frame.
        """
        try:
            frame = self._raw.receive(timeout_s)
        except (EOFError, OSError, ValueError) as error:
            if self._is_over:  # another thread closed it
                raise EOFError from None
            if isinstance(error, ValueError):
                raise
            self._take_up_again()
            return None
        if frame is not None:
            return self._taken(*frame)
        if self._is_stale():
            self._take_up_again()
        return None

    def _taken(self, kind: FrameKind, payload: bytes) -> Frame:
        self._heard_s = time.monotonic()
        if kind in _ASKING:
            if len(payload) < COUNT.size:
                raise ValueError(f"a {kind.name} of {len(payload)} bytes")
            (count,) = COUNT.unpack_from(payload)
            with self._order:
                self._forget(count)
            return kind, payload[COUNT.size :]
        if kind is FrameKind.BYE:
            raise EOFError
        self._received += 1
        return kind, payload

    def _forget(self, count: int) -> None:
        """Drop frames that the other end has.

        Raises:
            ValueError: it can't have that many.
        """
        first = self._sent - len(self._kept)
        if not first <= count <= self._sent:
            raise ValueError(f"the other end has {count} of {self._sent} frames")
        for _ in range(count - first):
            self._kept.popleft()

    def expected(self, kind: FrameKind) -> bytes:
        """Return the content of the next frame, which must be of this kind.

        Raises:
            EOFError: the other end closed the connection.
            OSError: the connection is broken.
            ValueError: nothing came, or a different frame.
        """
        until_s, frame = time.monotonic() + SILENCE_LIMIT_S, None
        while frame is None and time.monotonic() < until_s:
            frame = self.receive(SILENCE_LIMIT_S)
        if frame is None or frame[0] is not kind:
            raise ValueError(f"{kind.name} did not come")
        return frame[1]

    def _goes_on_with(self, raw: HostLink, count: int) -> None:
        """Use a new connection, and send the frames that its other end does not have."""
        with self._order:
            self._forget(count)
            self._raw.close()
            self._raw, self._heard_s = raw, time.monotonic()
            try:
                for kind, payload in self._kept:
                    raw.send(kind, payload)
            except OSError:
                self._broke()

    @abstractmethod
    def _is_stale(self) -> bool:
        """Say whether a new connection is worth a try, although this one has not visibly ended."""

    @abstractmethod
    def _take_up_again(self) -> None:
        """Wait for a new connection, and continue with it.

        Raises:
            EOFError: the other end is gone.
            OSError: no connection came in time.
        """

    def close(self) -> None:
        """Close the connection for good, and notify the other end and any thread that waits."""
        if self._order.acquire(timeout=PAUSE_S):
            try:
                if not self._is_over:
                    self._is_over = True
                    with suppress(OSError):
                        self._raw.send(FrameKind.BYE)
            finally:
                self._order.release()
        self._is_over = True
        self._raw.close()
