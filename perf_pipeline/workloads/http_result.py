"""What came of one HTTP request: response, error class, time stamps, bytes.

Add here: a fact about one request that somebody reads. Keep out: how it is found out.
"""

import errno
import socket
import ssl
from enum import StrEnum
from typing import Final, NamedTuple


class HttpError(StrEnum):
    """Name the ways in which a request gets no complete response.

    `generator` is this machine's own limit (no free port, no file descriptor), not the target's.
    """

    REFUSED = "refused"
    RESET = "reset"
    TIMEOUT = "timeout"
    CONNECT_TIMEOUT = "connect_timeout"
    CLOSED = "closed"
    TRUNCATED = "truncated"
    PROTOCOL = "protocol"
    DNS = "dns"
    TLS = "tls"
    TOO_LARGE = "too_large"
    UNREACHABLE = "unreachable"
    GENERATOR = "generator"


_OWN_LIMITS: Final = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN}
)


class HttpResult(NamedTuple):
    """Record one request; it exists for every outcome but a cancellation.

    A tuple, because a frozen dataclass of 14 fields takes 1.5 us to make and a tuple 0.3.
    Stamps are `time.monotonic_ns` readings taken in the protocol's callbacks, not after a task
    woke up; 0 = that did not happen. k6's http_req_duration (sending + waiting + receiving)
    is `ended_ns - sent_ns`; setting a connection up is not in it.

    Attributes:
        status: HTTP status; 0 when no final response head arrived.
        headers: names and values as received, in order.
        body: without transfer coding; a content coding is left as it is.
        error: a `HttpError`, or empty when the response was complete.
        connect_started_ns: before the name was resolved; 0 on a connection that was open.
        connected_ns: TCP handshake done.
        secured_ns: TLS handshake done.
        sent_ns: just before the first byte was written; of the first attempt when `resent`.
        first_byte_ns: first byte of the response arrived.
        ended_ns: last byte arrived, or the error was known.
        bytes_out: requests as written, heads included.
        bytes_in: responses as read, heads included (after TLS).
        connected: a new connection was opened for this request.
        resent: the open connection closed before any byte of the response, as idle ones do, and
            the request went out once more on a new one (RFC 9112, 9.3.1): it may arrive twice.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    error: str
    connect_started_ns: int
    connected_ns: int
    secured_ns: int
    sent_ns: int
    first_byte_ns: int
    ended_ns: int
    bytes_out: int
    bytes_in: int
    connected: bool
    resent: bool

    @property
    def started_ns(self) -> int:
        """Give the first byte's stamp, or the start of connecting where nothing was sent."""
        return self.sent_ns or self.connect_started_ns

    def header(self, name: str) -> str:
        """Give the first header of that name, in any case; empty when there is none."""
        wanted = name.lower().encode("latin-1")
        found = (value.decode("latin-1") for key, value in self.headers if key.lower() == wanted)
        return next(found, "")


def connect_error(error: OSError) -> HttpError:
    """Name what kept a connection from being opened."""
    match error:
        case socket.gaierror():
            return HttpError.DNS
        case ConnectionRefusedError():
            return HttpError.REFUSED
        case TimeoutError():
            return HttpError.CONNECT_TIMEOUT
        case ssl.SSLError():
            return HttpError.TLS
        case ConnectionError():
            return HttpError.RESET
        case _:
            is_ours = error.errno in _OWN_LIMITS
            return HttpError.GENERATOR if is_ours else HttpError.UNREACHABLE
