"""The HTTP load transport: one virtual user's connection, opened lazily and kept alive.

A load tool needs facts that a general client hides: when the first byte was sent and the last one
received, whether a connection was opened, whether a request was sent twice. Measured on two shared
cores, a request takes 12 us of CPU on uvloop and 28 on asyncio; plain bytes without HTTP take 8.
perf_pipeline_tests/benchmarks/bench_http_client.py repeats this.
Add here: another duty of one user's connection. Keep out: JSON, checks, and the target's API.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from time import monotonic_ns
from typing import Final

from perf_pipeline.workloads.http.addresses import addresses_in_turn, share_s
from perf_pipeline.workloads.http.answer_takers import AnswerTaker
from perf_pipeline.workloads.http.http1 import Http1Wire
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.result import HttpError, HttpResult, connect_error
from perf_pipeline.workloads.http.wire import Wire

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
_NS_PER_US = 1_000
_NS_PER_S = 1_000_000_000
_STALE: Final = frozenset({HttpError.CLOSED, HttpError.RESET})
_MakeWire = Callable[[asyncio.AbstractEventLoop, int], Wire]


class HttpConnection:
    """Carry the requests of one virtual user, one after the other.

    Args:
        origin: the origin that requests go to.
        tls: the TLS context of all connections (loading the CAs takes 22 ms); needed for https.
        max_body_bytes: the body of a longer response is read and counted, but not kept.
        make_wire: makes the wire for the version of HTTP that is spoken.
    """

    def __init__(
        self,
        origin: HttpOrigin,
        *,
        tls: ssl.SSLContext | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        make_wire: _MakeWire = Http1Wire,
    ) -> None:
        if origin.is_tls and tls is None:
            raise ValueError(f"{origin} needs an ssl.SSLContext")
        self._origin = origin
        self._tls = tls if origin.is_tls else None
        self._max_body_bytes = max_body_bytes
        self._make_wire = make_wire
        self._wire: Wire | None = None
        self._connect_until_s = 0.0
        self._begin()

    def _begin(self) -> None:
        self._connect_started_ns = self._resolved_ns = self._connected_ns = self._secured_ns = 0
        self._sent_ns = self._written_ns = self._earlier_bytes_out = 0
        self._is_new = self._is_resent = False

    @property
    def started_ns(self) -> int:
        """Return `HttpResult.started_ns` of the latest request, even if it was cancelled."""
        return self._sent_ns or self._connect_started_ns

    @property
    def bytes_out(self) -> int:
        """Return `HttpResult.bytes_out` of the latest request, even if it was cancelled."""
        wire = self._wire
        return self._earlier_bytes_out + (wire.bytes_out if wire is not None else 0)

    async def request(
        self,
        method: str,
        target: str,
        *,
        headers: bytes = b"",
        body: bytes = b"",
        timeout_us: int,
    ) -> HttpResult:
        """Write a request, as `HttpOrigin.encode` does, and `send` it.

        Raises:
            ValueError: the target is not percent-encoded.
            asyncio.CancelledError: the task was cancelled; the connection is closed.
        """
        data = self._origin.encode(method, target, headers, body)
        return await self.send(data, timeout_us=timeout_us, is_head=method == "HEAD")

    async def send(self, data: bytes, *, timeout_us: int, is_head: bool = False) -> HttpResult:
        """Send a request as it is, and return the result, which may be a failure of the target.

        If an open connection closes before any byte of the response, it is replaced and the request
        is sent once more, whatever its method, because idle connections end that way. Timestamps
        and timeout remain those of the first attempt.

        Args:
            data: the whole request as it goes over the wire, from `HttpOrigin.encode`.
            timeout_us: from the first byte sent to the last byte received; setting up a
                connection may take as long again.
            is_head: whether it is a HEAD, whose response has no body.

        Raises:
            asyncio.CancelledError: the task was cancelled; the connection is closed.
        """
        self._forget()
        timeout_ns, wire = timeout_us * _NS_PER_US, self._wire
        try:
            if wire is None or not wire.is_open:
                error = await self._send_on_new(data, timeout_ns, is_head=is_head)
            else:
                error = await self._exchange(wire, data, timeout_ns, is_head=is_head)
        except asyncio.CancelledError:
            self.abandon()
            raise
        if error in _STALE:
            return await self.conclude(error, data, timeout_us=timeout_us, is_head=is_head)
        return self.result(error)

    def _forget(self) -> None:
        """Begin a request, forgetting the previous one."""
        if self._connect_started_ns:  # the previous request opened a connection
            self._begin()
        self._sent_ns = self._written_ns = self._earlier_bytes_out = 0

    @property
    def is_open(self) -> bool:
        """Say whether a request can be posted."""
        return self._wire is not None and self._wire.is_open

    def post(self, taker: AnswerTaker, data: bytes, timeout_us: int, is_head: bool) -> Wire:
        """Send a request over the open connection; return the wire that carries it.

        The taker learns of the end: `conclude` it if that is an error; otherwise `result` has
        everything. A request that is given up has to be abandoned.
        """
        wire = self._wire
        assert wire is not None, "a request is posted on an open connection"
        self._forget()
        wire.post(taker, data, is_head, timeout_us * _NS_PER_US)
        self._sent_ns = wire.sent_ns
        return wire

    async def conclude(
        self, error: str, data: bytes, *, timeout_us: int, is_head: bool = False
    ) -> HttpResult:
        """Return the result of a posted request, which is sent once more as by `send`.

        Raises:
            asyncio.CancelledError: the task was cancelled; the connection is closed.
        """
        wire = self._wire
        is_stale = error in _STALE and not self._is_new
        if is_stale and wire is not None and not wire.first_byte_ns:
            self._is_resent, self._written_ns = True, wire.written_ns
            self._earlier_bytes_out = wire.bytes_out
            left_ns = max(0, self._sent_ns + timeout_us * _NS_PER_US - monotonic_ns())
            try:
                error = await self._send_on_new(data, left_ns, is_head=is_head)
            except asyncio.CancelledError:
                self.abandon()
                raise
        return self.result(error)

    def abandon(self) -> None:
        """Close the connection, because the request in progress was given up."""
        self._earlier_bytes_out = self.bytes_out
        self.close()

    def result(self, error: str) -> HttpResult:
        """Return the result of the latest request."""
        wire = self._wire
        if wire is None:  # there was no connection
            return self._result_without_wire(error)
        return self._result(wire, error)

    async def connect(self, *, timeout_us: int) -> str:
        """Open a connection ahead of the first request; return a `HttpError`, empty if it is open.

        Raises:
            asyncio.CancelledError: the task was cancelled; nothing is left open.
        """
        self.close()
        self._is_new = True
        self._connect_started_ns = monotonic_ns()
        timeout_s = timeout_us / 1_000_000
        self._connect_until_s = self._connect_started_ns / _NS_PER_S + timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                wire = await self._open_wire()
        except OSError as error:
            return connect_error(error)
        if not wire.is_open:
            return wire.fault or HttpError.CLOSED
        self._wire = wire
        return ""

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._wire is not None:
            self._wire.abort()
            self._wire = None

    async def _send_on_new(self, data: bytes, timeout_ns: int, *, is_head: bool) -> str:
        """Open a connection and send; the time to set it up counts only for a second connection."""
        error = await self.connect(timeout_us=timeout_ns // _NS_PER_US)
        if error:
            return error
        assert self._wire is not None
        if self._sent_ns:
            timeout_ns -= monotonic_ns() - self._connect_started_ns
        return await self._exchange(self._wire, data, timeout_ns, is_head=is_head)

    def _exchange(
        self, wire: Wire, data: bytes, timeout_ns: int, *, is_head: bool
    ) -> asyncio.Future[str]:
        answer = wire.exchange(data, is_head_request=is_head, timeout_ns=timeout_ns)
        self._sent_ns = self._sent_ns or wire.sent_ns
        return answer

    async def _open_wire(self) -> Wire:
        loop = asyncio.get_running_loop()
        sock = await self._open_socket(loop)
        self._connected_ns = monotonic_ns()
        wire = self._make_wire(loop, self._max_body_bytes)
        name = self._origin.host if self._tls else None
        await loop.create_connection(lambda: wire, sock=sock, ssl=self._tls, server_hostname=name)
        if self._tls:
            self._secured_ns = monotonic_ns()
        return wire

    async def _open_socket(self, loop: asyncio.AbstractEventLoop) -> socket.socket:
        """Connect to the address whose turn it is, else to the next one that answers."""
        failure = OSError(f"{self._origin.host} has no address")
        addresses = await addresses_in_turn(self._origin)
        self._resolved_ns = monotonic_ns()
        for number, (family, address) in enumerate(addresses):
            left_s = self._connect_until_s - monotonic_ns() / _NS_PER_S
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(0)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                async with asyncio.timeout(share_s(left_s, len(addresses) - number)):
                    await loop.sock_connect(sock, address)
            except OSError as error:
                sock.close()
                failure = error
            except asyncio.CancelledError:
                sock.close()
                raise
            else:
                return sock
        raise failure

    def _result(self, wire: Wire, error: str) -> HttpResult:
        # Does the same as HttpResult(...) in half the time.
        fields = (
            wire.status,
            wire.headers,
            wire.body,
            error,
            self._connect_started_ns,
            self._connected_ns,
            self._secured_ns,
            self._sent_ns,
            wire.first_byte_ns,
            wire.ended_ns,
            self._earlier_bytes_out + wire.bytes_out,
            wire.bytes_in,
            self._is_new,
            self._is_resent,
            self._resolved_ns,
            self._written_ns or wire.written_ns,
            wire.detail,
            wire.is_cut,
        )
        return tuple.__new__(HttpResult, fields)

    def _result_without_wire(self, error: str) -> HttpResult:
        return HttpResult(
            0,
            (),
            b"",
            error,
            self._connect_started_ns,
            self._connected_ns,
            self._secured_ns,
            self._sent_ns,
            0,
            monotonic_ns(),
            self._earlier_bytes_out,
            0,
            self._is_new,
            self._is_resent,
            self._resolved_ns,
            self._written_ns,
        )
