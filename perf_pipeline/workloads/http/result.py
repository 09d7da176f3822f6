"""The result of one HTTP request: response, error class, timestamps, bytes.

Add here: another fact about a request that is used. Keep out: measuring it.
"""

import socket
import ssl
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

from perf_pipeline.engine.machine_limits import is_own_limit
from perf_pipeline.engine.tls_faults import is_plain_answer
from perf_pipeline.metrics.sample import HttpPhases


class HttpError(StrEnum):
    """Name the reasons why a request gets no complete response.

    `not_allowed` is a name of this machine that led to another one, which was not connected to;
    `generator` is this machine's own limit (no free port, no file descriptor), not the target's;
    `not_http2` is a TLS handshake in which the target did not choose the HTTP/2 that was asked for;
    `not_tls` an answer in plain text to a TLS handshake, and `speaks_tls` one in TLS to a plain
    request.
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
    NOT_HTTP2 = "not_http2"
    NOT_TLS = "not_tls"
    SPEAKS_TLS = "speaks_tls"
    NOT_ALLOWED = "not_allowed"
    GENERATOR = "generator"


_NS_PER_US: Final = 1_000
_OPEN: Final = (0, 0, 0)
HttpTimes = tuple[int, int, HttpPhases]


class HttpResult(NamedTuple):
    """Record one request; it exists for every outcome but a cancellation.

    It is a tuple, because a frozen dataclass of 18 fields takes 1.5 us to create and a tuple 0.3.
    Stamps are `time.monotonic_ns` readings taken in the protocol's callbacks, not after a task woke
    up; 0 = that did not happen. k6's http_req_duration (sending + waiting + receiving) is `ended_ns
    - sent_ns`; setting a connection up is not in it.

    Attributes:
        status: the HTTP status; 0 if no final response head arrived.
        headers: names and values as received, in order.
        body: the body without transfer coding; a content coding is kept.
        error: a `HttpError`, or empty if the response was complete.
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
        resolved_ns: the name's addresses were known.
        written_ns: the kernel had taken the request's last byte; of the first attempt when
            `resent`.
        detail: the unreadable part of the response, shortened; mostly empty.
        is_cut: whether the body was longer than the limit; it was counted, and `body` is empty.
    """

    status: int
    headers: Sequence[tuple[bytes, bytes]]
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
    resolved_ns: int = 0
    written_ns: int = 0
    detail: str = ""
    is_cut: bool = False

    @property
    def started_ns(self) -> int:
        """Return the first byte's stamp, or the start of connecting where nothing was sent."""
        return self.sent_ns or self.connect_started_ns

    def times(self, origin_ns: int) -> HttpTimes:
        """Return start, end and k6's split; the last three of a sent request add up exactly.

        When it was resent, the second connection's setup is in the first three, and in the wait.

        Args:
            origin_ns: what time stamps in µs count from; they are rounded before they are
                subtracted, so that sums agree with differences of stamps.
        """
        sent_ns, written_ns, ended_ns = self.sent_ns, self.written_ns, self.ended_ns
        set_up = self._set_up(origin_ns) if self.connect_started_ns else _OPEN
        ended_us = (ended_ns - origin_ns) // _NS_PER_US
        if not sent_ns:
            started_us = (self.connect_started_ns - origin_ns) // _NS_PER_US
            return started_us, ended_us, HttpPhases(*set_up)
        first_ns = self.first_byte_ns or ended_ns
        # A server may answer before it has read all.
        if not written_ns or written_ns > first_ns:
            written_ns = first_ns
        started_us = (sent_ns - origin_ns) // _NS_PER_US
        written_us = (written_ns - origin_ns) // _NS_PER_US
        first_us = (first_ns - origin_ns) // _NS_PER_US
        spans = (*set_up, written_us - started_us, first_us - written_us, ended_us - first_us)
        # What HttpPhases(...) does, in a third of the time.
        return started_us, ended_us, tuple.__new__(HttpPhases, spans)

    def _set_up(self, origin_ns: int) -> tuple[int, int, int]:
        """Return blocked, connecting and TLS in µs; the one that failed lasted to the end."""
        stamps = [self.connect_started_ns, self.resolved_ns, self.connected_ns, self.secured_ns]
        if self.sent_ns and not self.secured_ns:
            stamps[3] = self.connected_ns  # no TLS
        reached = [stamp for stamp in stamps if stamp]
        if len(reached) < len(stamps):
            reached.append(self.ended_ns)
        at_us = [(stamp - origin_ns) // _NS_PER_US for stamp in reached]
        spans = [after - before for before, after in pairwise(at_us)]
        blocked_us, connecting_us, tls_us = [*spans, -1, -1][:3]
        return blocked_us, connecting_us, tls_us

    def header(self, name: str) -> str:
        """Return the first header of that name, in any case; empty when there is none."""
        wanted = name.lower().encode("latin-1")
        found = (value.decode("latin-1") for key, value in self.headers if key.lower() == wanted)
        return next(found, "")


class NotAllowedAddressError(OSError):
    """Refuse a name of this machine that leads elsewhere; nothing was sent."""


_FAILURES: Final[Sequence[tuple[type[OSError], HttpError]]] = (
    (NotAllowedAddressError, HttpError.NOT_ALLOWED),
    (ConnectionRefusedError, HttpError.REFUSED),
    (TimeoutError, HttpError.CONNECT_TIMEOUT),
    (ssl.SSLError, HttpError.TLS),
    (ConnectionError, HttpError.RESET),
)


def connect_error(error: OSError) -> HttpError:
    """Name what kept a connection from being opened."""
    if is_plain_answer(error):
        return HttpError.NOT_TLS
    found = next((name for kind, name in _FAILURES if isinstance(error, kind)), None)
    if found is not None:
        return found
    if is_own_limit(error):
        return HttpError.GENERATOR
    return HttpError.DNS if isinstance(error, socket.gaierror) else HttpError.UNREACHABLE
