"""The messages between the driver and the agent of a worker: a kind, a length and bytes.

Add here: another kind of message. Keep out: what a message makes somebody do (agent.py,
distant_worker.py) and sockets (link.py).
"""

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

_HEAD: Final = struct.Struct("<BI")
LONGEST_BYTES: Final = 1 << 20
"""No frame is longer; a file goes in several, so that a question about the time waits for none."""


class FrameKind(IntEnum):
    """Name what a frame holds.

    The driver sends HELLO (the token), PING (its time), FILES (names with hashes, JSON), PART (a
    hash and bytes of that file; the end of the file without bytes), START (nothing), INPUT (bytes
    for the worker's stdin), INPUT_END, SIGNAL (a number), BEGIN (nothing: the load begins), RESUME
    (frames that it has, and the token; the first frame of a new connection) and BYE (nothing: it
    will not come back).
    The agent sends HOST (its folder, JSON), PONG (the driver's time and its own), LACKS (hashes
    that it has not, JSON), STARTED (the worker's id, JSON), REFUSED (a sentence), OUTPUT (of the
    worker's stdout), LOG (of its stderr), CHUNK (of a file: name, place and checksum), SUMS (what
    its files are in the end, JSON), EXIT (how the worker ended, JSON) and RESUMED (frames that it
    has). Both put before PING and PONG how many frames they have.
    """

    HELLO = 1
    HOST = 2
    PING = 3
    PONG = 4
    FILES = 5
    LACKS = 6
    PART = 7
    START = 8
    STARTED = 9
    REFUSED = 10
    INPUT = 11
    INPUT_END = 12
    SIGNAL = 13
    OUTPUT = 14
    LOG = 15
    CHUNK = 16
    SUMS = 17
    EXIT = 18
    BEGIN = 19
    RESUME = 20
    RESUMED = 21
    BYE = 22


Frame = tuple[FrameKind, bytes]


def packed(kind: FrameKind, payload: bytes) -> bytes:
    """Return a frame as it travels."""
    return _HEAD.pack(kind, len(payload)) + payload


class FrameReader:
    """Cut a stream of bytes into frames."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def fed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are whole with these bytes.

        Raises:
            ValueError: the bytes are no frames of ours.
        """
        rest = self._rest
        rest += data
        while len(rest) >= _HEAD.size:
            number, length = _HEAD.unpack_from(rest)
            if length > LONGEST_BYTES:
                raise ValueError(f"a frame of {length} bytes")
            until = _HEAD.size + length
            if len(rest) < until:
                return
            payload = bytes(rest[_HEAD.size : until])
            del rest[:until]
            yield FrameKind(number), payload
