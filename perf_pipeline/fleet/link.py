"""A connection between the driver and an agent, which carries frames in both directions.

Add here: another way to wait on it. Keep out: what the frames mean, and what outlives a connection
(lasting_link.py).
"""

import select
import socket
import ssl
import threading
from collections import deque
from contextlib import suppress
from typing import Final

from perf_pipeline.fleet.frames import Frame, FrameKind, FrameReader, packed

_CHUNK_BYTES: Final = 256 * 1024
SILENCE_LIMIT_S: Final = 10.0
"""Who sends nothing for so long, or takes nothing, is taken for lost."""


class HostLink:
    """Send frames from any thread, and receive them in one.

    Args:
        stream: connected; TLS or not. It is closed with the link.
    """

    def __init__(self, stream: socket.socket) -> None:
        stream.settimeout(SILENCE_LIMIT_S)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = stream
        self._lock = threading.Lock()
        self._reader = FrameReader()
        self._frames: deque[Frame] = deque()

    @property
    def is_encrypted(self) -> bool:
        """Say whether nobody on the way can read what it carries."""
        return isinstance(self._stream, ssl.SSLSocket)

    def send(self, kind: FrameKind, payload: bytes = b"") -> None:
        """Send a frame.

        Raises:
            OSError: the other end is gone, or takes nothing any more.
        """
        with self._lock:
            self._stream.sendall(packed(kind, payload))

    def receive(self, timeout_s: float) -> Frame | None:
        """Return the next frame; None when nothing came for so long.

        Long frames come in pieces, of which each gets the time anew.

        Raises:
            EOFError: the other end closed the connection.
            OSError: the connection is broken.
            ValueError: what came is no frame.
        """
        while not self._frames:
            if not self._is_readable(timeout_s):
                return None
            self._frames.extend(self._reader.fed(self._read()))
        return self._frames.popleft()

    def _is_readable(self, timeout_s: float) -> bool:
        if isinstance(self._stream, ssl.SSLSocket) and self._stream.pending():
            return True
        poll = select.poll()
        poll.register(self._stream, select.POLLIN)
        return bool(poll.poll(timeout_s * 1_000))

    def _read(self) -> bytes:
        # One at a time: a TLS stream is no two threads' at once.
        with self._lock:
            data = self._stream.recv(_CHUNK_BYTES)
        if not data:
            raise EOFError
        return data

    def end(self) -> None:
        """End the connection; threads that send or receive notice it, and one of them closes it."""
        with suppress(OSError):
            # That of a TLS stream forgets its keys: the thread that reads would take what is still
            # to be decrypted for frames, and one that sends would not encrypt any more.
            socket.socket.shutdown(self._stream, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; a thread that waits on it is notified."""
        self.end()
        self._stream.close()
