"""A connection between the driver and an agent, which carries frames in both directions.

Add here: another way to wait on it. Keep out: the meaning of frames, and surviving a lost
connection (lasting_link.py).
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
        stream: a connected stream, with or without TLS; it is closed with the link.
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
        """Say whether the connection is encrypted."""
        return isinstance(self._stream, ssl.SSLSocket)

    def send(self, kind: FrameKind, payload: bytes = b"") -> None:
        """Send a frame.

        Raises:
            OSError: the other end is gone, or accepts nothing any more.
        """
        with self._lock:
            self._stream.sendall(packed(kind, payload))

    def receive(self, timeout_s: float) -> Frame | None:
        """Return the next frame; None if nothing came in time.

        Long frames come in pieces, and the time starts again with each piece.

        Raises:
            EOFError: the other end closed the connection.
            OSError: the connection is broken.
            ValueError: the bytes are not a frame.
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
        # One at a time, because two threads must not use a TLS stream at once.
        with self._lock:
            data = self._stream.recv(_CHUNK_BYTES)
        if not data:
            raise EOFError
        return data

    def end(self) -> None:
        """End the connection; threads that send or receive notice it, and one of them closes it."""
        with suppress(OSError):
            # Closing a TLS stream forgets its keys: a reading thread would take encrypted bytes for
            # frames, and a sending thread would no longer encrypt.
            socket.socket.shutdown(self._stream, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; a thread that waits on it is notified."""
        self.end()
        self._stream.close()
