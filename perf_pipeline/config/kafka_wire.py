"""The part of Kafka's protocol that is needed over a plain socket before a client exists.

Sources: Kafka's protocol guide (request header v1, ApiVersions v0, Metadata v1 to v8, varints).
Add here: another request or type of the protocol. Keep out: logging in (kafka_login.py), TLS
(kafka_tls.py), and what is made of the answers.
"""

import socket
import struct
from typing import Final

_METADATA, _API_VERSIONS = 3, 18
_LAST_VERSION: Final = 8  # the last version of Metadata in the older encoding
_MOST_BYTES: Final = 1 << 20


def asked(connection: socket.socket, key: int, version: int, body: bytes) -> bytes:
    """Send a request and return its response, without its size and correlation id.

    Raises:
        struct.error: the answer is not a response of this protocol, or there is none.
    """
    request = struct.pack(">hhih", key, version, 1, -1) + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    with connection.makefile("rb") as stream:
        (size,) = struct.unpack(">i", stream.read(4))
        if not 4 <= size <= _MOST_BYTES:
            raise struct.error("no response of Kafka's protocol has this size")
        return stream.read(size)[4:]


def advertised(connection: socket.socket) -> list[tuple[str, int]]:
    """Ask for the host and port of each broker of the cluster.

    Raises:
        struct.error: as `asked`.
        UnicodeError: a name is not UTF-8.
    """
    versions = asked(connection, _API_VERSIONS, 0, b"")
    highest = {key: high for key, _, high in struct.iter_unpack(">hhh", versions[6:])}
    version = max(1, min(highest.get(_METADATA, 1), _LAST_VERSION))
    # No topics; from v4 on "do not create any", from v8 on "no lists of rights".
    body = struct.pack(">i", 0) + b"\0" * (version >= 4) + b"\0\0" * (version >= 8)
    answer = asked(connection, _METADATA, version, body)
    at = 4 if version >= 3 else 0
    (count,) = struct.unpack_from(">i", answer, at)
    found, at = list[tuple[str, int]](), at + 4
    for _ in range(count):
        host, after = text_at(answer, at + 4)
        (port,) = struct.unpack_from(">i", answer, after)
        _, at = text_at(answer, after + 4)  # the rack
        found.append((host, port))
    return found


def listed_features(connection: socket.socket) -> bytes:
    """Return the ApiVersions v3 response, which lists what a listener supports.

    Raises:
        struct.error: as `asked`.
    """
    name = b"\x05perf\x021\0"  # the client's name and version, as compact strings
    return asked(connection, _API_VERSIONS, 3, b"\0" + name)


def varint_at(data: bytes, at: int) -> tuple[int, int]:
    """Read an unsigned number of variable length; return it, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return value, at


def varint(value: int) -> bytes:
    """Write an unsigned number in as few bytes as it needs.

    >>> varint(3).hex(), varint(300).hex()
    ('03', 'ac02')
    """
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def text_at(data: bytes, at: int) -> tuple[str, int]:
    """Read a text; return it, and where it ends."""
    (size,) = struct.unpack_from(">h", data, at)
    end = at + 2 + max(0, size)
    return data[at + 2 : end].decode(), end


def text(written: str) -> bytes:
    """Write a text."""
    return struct.pack(">h", len(written)) + written.encode()
