"""Listeners that answer as Kafka's do: one that sends clients elsewhere, one that wants SASL.

Bytes by Kafka's protocol guide: ApiVersions v0, Metadata v1, SaslHandshake v1.
Add here: another answer of a listener. Keep out: what a real broker is there for.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

_METADATA, _SASL_HANDSHAKE, _API_VERSIONS, _SASL_AUTHENTICATE = 3, 17, 18, 36
_UNSUPPORTED_VERSION, _UNKNOWN_MECHANISM = 35, 33
Answer = Callable[..., bytes | None]


@contextlib.contextmanager
def listener(answer: Answer, host: str = "127.0.0.1") -> Iterator[int]:
    """Listen on a port of the system's choice, and answer by key and version of each request."""
    with socket.create_server((host, 0)) as server:
        threading.Thread(target=_accept, args=(server, answer), daemon=True).start()
        yield server.getsockname()[1]


def sends_elsewhere(host: str, port: int) -> Answer:
    """Advertise one broker, at another place."""

    def answer(key: int, version: int, _: bytes = b"") -> bytes | None:
        if key == _API_VERSIONS:
            code = 0 if version == 0 else _UNSUPPORTED_VERSION
            return (
                struct.pack(">hi", code, 2) + _range(_API_VERSIONS, 0, 0) + _range(_METADATA, 1, 1)
            )
        broker = struct.pack(">i", 1) + _text(host) + struct.pack(">ih", port, -1)
        return struct.pack(">i", 1) + broker + struct.pack(">ii", 1, 0)

    return answer


def wants_sasl(key: int, *_: object) -> bytes | None:
    """Name the mechanisms, and hang up on everything that comes before one was chosen."""
    if key != _SASL_HANDSHAKE:
        return None
    return struct.pack(">hi", _UNKNOWN_MECHANISM, 2) + _text("PLAIN") + _text("SCRAM-SHA-512")


def wants_login(user: str, password: str, then: Answer) -> Answer:
    """Answer as another one does, after who asks has told this name and password by SASL PLAIN."""
    expected = f"\0{user}\0{password}".encode()
    seen: list[bytes] = []

    def answer(key: int, version: int, body: bytes = b"") -> bytes | None:
        if key == _SASL_HANDSHAKE:
            code = 0 if body.endswith(_text("PLAIN")) else _UNKNOWN_MECHANISM
            return struct.pack(">hi", code, 1) + _text("PLAIN")
        if key == _SASL_AUTHENTICATE:
            seen.append(body)
            is_right = body.endswith(struct.pack(">i", len(expected)) + expected)
            return struct.pack(">hhi", 0, -1, 0) if is_right else None
        return then(key, version) if seen else None

    return answer


def _accept(server: socket.socket, answer: Answer) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_serve, args=(connection, answer), daemon=True).start()


def _serve(connection: socket.socket, answer: Answer) -> None:
    with contextlib.suppress(OSError, struct.error), connection:
        stream = connection.makefile("rb")
        while True:
            (size,) = struct.unpack(">i", stream.read(4))
            request = stream.read(size)
            key, version, correlation = struct.unpack_from(">hhi", request)
            body = answer(key, version, request)
            if body is None:
                return
            connection.sendall(struct.pack(">ii", len(body) + 4, correlation) + body)


def _text(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


def _range(key: int, low: int, high: int) -> bytes:
    return struct.pack(">hhh", key, low, high)
