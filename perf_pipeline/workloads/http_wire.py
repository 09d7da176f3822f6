"""One TCP or TLS connection that carries one HTTP/1.1 exchange at a time, and its time stamps.

httptools (llhttp) does not know that it parses the answer to a HEAD, reports interim responses
like final ones, and is not told about the end of the stream: all three are answered here.
Add here: what a byte of the response means. Keep out: opening connections, and resending.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from time import monotonic_ns
from types import MappingProxyType
from typing import cast

import httptools

from perf_pipeline.workloads.http_heads import KNOWN_HEADS, Head, remember
from perf_pipeline.workloads.http_result import HttpError

MAX_HEAD_BYTES = 262_144
_NS_PER_S = 1_000_000_000
# uvloop's timers have a resolution of 1 ms and may fire that much early (uvloop#739).
_SHORTEST_TIMER_NS = 1_000_000
# Heads that never come again (a request id in each) cost more to look for than to parse.
_ENOUGH_UNKNOWN_HEADS = 64
_NONE: Mapping[bytes, Head] = MappingProxyType({})


class Wire(asyncio.Protocol):
    """Send a request, collect its response, take the stamps.

    After the future of `exchange` is done, the attributes tell about that exchange until the next.

    Attributes:
        is_open: a request may be written.
        status: of the final response; 0 when its head did not arrive.
        headers: as received.
        sent_ns: just before the first byte was written.
        written_ns: the kernel had taken the last one; 0 when that did not happen.
        first_byte_ns: 0 when no byte arrived.
        ended_ns: last byte, or the moment of the error.
        bytes_in: head and body as read.
    """

    __slots__ = (
        "_deadline_ns",
        "_fields",
        "_has_head",
        "_heads",
        "_is_head_request",
        "_is_paused",
        "_loop",
        "_max_body_bytes",
        "_parser",
        "_parts",
        "_received_ns",
        "_size",
        "_timer",
        "_timer_ns",
        "_transport",
        "_unknown_heads",
        "_waiter",
        "_write",
        "bytes_in",
        "ended_ns",
        "first_byte_ns",
        "headers",
        "is_open",
        "sent_ns",
        "status",
        "written_ns",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, max_body_bytes: int) -> None:
        self._loop = loop
        self._max_body_bytes = max_body_bytes
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[str] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = self._deadline_ns = self._received_ns = 0
        self._heads: Mapping[bytes, Head] = KNOWN_HEADS
        self._unknown_heads = 0
        self.is_open = self._is_paused = False
        self._is_head_request = self._has_head = False
        self._parts: list[bytes] = []
        self._size = self.status = self.bytes_in = 0
        self._fields: list[tuple[bytes, bytes]] = []
        self.headers: Sequence[tuple[bytes, bytes]] = ()
        self.sent_ns = self.written_ns = self.first_byte_ns = self.ended_ns = 0

    @property
    def body(self) -> bytes:
        """Give what arrived of the response's body, without transfer coding."""
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def exchange(
        self, data: bytes, *, is_head_request: bool, timeout_ns: int
    ) -> asyncio.Future[str]:
        """Write a request; the future gets an empty text or a `HttpError`, never an exception.

        Args:
            data: the request as it goes over the wire.
            is_head_request: the response has no body, whatever its head says.
            timeout_ns: from now to the last byte of the response.
        """
        assert self._waiter is None, "a connection carries one request at a time"
        self._is_head_request = is_head_request
        self._has_head = False
        self._parts, self._fields = [], []
        self.headers = ()
        self._size = self.status = self.bytes_in = 0
        self.first_byte_ns = self.ended_ns = 0
        self._waiter = waiter = self._loop.create_future()
        self.sent_ns = sent_ns = monotonic_ns()
        self._deadline_ns = deadline_ns = sent_ns + timeout_ns
        self._write(data)
        self.written_ns = 0 if self._is_paused else monotonic_ns()
        if self._timer is None or self._timer_ns > deadline_ns:
            self._arm(timeout_ns)
        return waiter

    def abort(self) -> None:
        """Close at once; an exchange under way is forgotten."""
        self._waiter = None
        self._shut()

    # -- the deadline: one timer per connection; one per request would cost 1.4 us (asyncio)

    def _arm(self, delay_ns: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_ns = max(delay_ns, _SHORTEST_TIMER_NS)
        self._timer_ns = monotonic_ns() + delay_ns
        self._timer = self._loop.call_later(delay_ns / _NS_PER_S, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        self._received_ns = monotonic_ns()
        if self._received_ns < self._deadline_ns:
            self._arm(self._deadline_ns - self._received_ns)
        else:
            self._fail(HttpError.TIMEOUT)

    # -- the transport's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport."""
        # uvloop's transports are no subclass, so that no isinstance would hold.
        self._transport = cast("asyncio.Transport", transport)
        self._write = self._transport.write
        # Without a buffer uvloop writes at once, not at the end of the loop's turn, and tells of
        # what the kernel did not take: the stamps are those of the bytes.
        self._transport.set_write_buffer_limits(high=0)
        self.is_open = True

    def pause_writing(self) -> None:
        """Note that a part of the request waits for room in the kernel."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Stamp the last byte of a request that had to wait."""
        self._is_paused = False
        if self._waiter is not None:
            self.written_ns = monotonic_ns()

    def data_received(self, data: bytes) -> None:
        """Stamp the bytes, then parse them."""
        if self._waiter is None:
            # Nobody asked: mostly a 408 before the server closes an idle connection.
            self._shut()
            return
        self._received_ns = received_ns = monotonic_ns()
        if self.first_byte_ns:
            self._parse(data)
            return
        self.first_byte_ns = received_ns
        end = data.find(b"\r\n\r\n") + 4
        head = self._heads.get(data[:end])
        if head is None or head.body_bytes != len(data) - end or not self._fits(head):
            self._parse(data)
            self._remember(data)
            return
        # An answer like one before: the parser need not see it.
        self.bytes_in = len(data)
        self._has_head = True
        self.status, self.headers = head.status, head.headers
        self._parts.append(data[end:])
        self._unknown_heads = 0
        self._finish("")

    def _parse(self, data: bytes) -> None:
        self.bytes_in += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(HttpError.PROTOCOL)
        if not self._has_head and self.bytes_in > MAX_HEAD_BYTES:
            self._fail(HttpError.TOO_LARGE)

    def _fits(self, head: Head) -> bool:
        return not self._is_head_request and head.body_bytes <= self._max_body_bytes

    def _remember(self, answer: bytes) -> None:
        """Remember the head, if the answer is whole and the connection still open."""
        if self._waiter is None and self.is_open and not self._is_head_request:
            self._unknown_heads += 1
            if self._unknown_heads < _ENOUGH_UNKNOWN_HEADS:
                remember(answer, self.status, self._fields)
            else:
                self._heads = _NONE

    def eof_received(self) -> None:
        """End the exchange here, one turn of the loop before `connection_lost`."""
        self._stream_ended(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the exchange."""
        self._stream_ended(exc)

    def _stream_ended(self, exc: Exception | None) -> None:
        if self._waiter is not None:
            self._received_ns = monotonic_ns()
            self._fail(self._meaning_of_end(exc))
        self._shut()

    def _meaning_of_end(self, exc: Exception | None) -> str:
        # A TLS peer that leaves without close_notify gives an SSLError, and has just closed.
        if exc is not None and not isinstance(exc, ssl.SSLError):
            return HttpError.RESET
        if not self.first_byte_ns:
            return HttpError.CLOSED
        is_whole = self._has_head and exc is None and _is_close_delimited(self.headers)
        return "" if is_whole else HttpError.TRUNCATED

    # -- the parser's callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; trailers after the body are not."""
        if not self._has_head:
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Tell interim responses, and answers to HEAD, from the rest."""
        status = self._parser.get_status_code()
        if self._waiter is None or status == 101:
            self._fail(HttpError.PROTOCOL)
        elif status >= 200:
            self.status, self.headers = status, self._fields
            self._has_head = True
            if self._is_head_request:
                is_kept = self._parser.should_keep_alive()
                self._parser = httptools.HttpResponseParser(self)
                self._complete(is_kept=is_kept)

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body, up to the limit."""
        self._size += len(part)
        if self._waiter is None or self._size > self._max_body_bytes:
            self._fail(HttpError.TOO_LARGE)
        else:
            self._parts.append(part)

    def on_message_complete(self) -> None:
        """End the exchange, or wait for the final response after an interim one."""
        if self._has_head:
            self._complete(is_kept=self._parser.should_keep_alive())
        else:
            self._fields.clear()

    # -- the end of an exchange

    def _complete(self, *, is_kept: bool) -> None:
        if self._waiter is None:
            return
        self._finish("")
        if not is_kept:
            self._shut()

    def _fail(self, error: str) -> None:
        if self._waiter is not None:
            self._finish(error)
        self._shut()

    def _finish(self, error: str) -> None:
        waiter, self._waiter = self._waiter, None
        self.ended_ns = self._received_ns
        if waiter is not None and not waiter.done():
            waiter.set_result(error)

    def _shut(self) -> None:
        self.is_open = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None and not self._transport.is_closing():
            self._transport.abort()


def _is_close_delimited(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Say whether the body ends with the connection (RFC 9112, 6.3)."""
    fields = {name.lower(): value.lower() for name, value in headers}
    coding = fields.get(b"transfer-encoding", b"")
    return not coding.endswith(b"chunked") and b"content-length" not in fields
