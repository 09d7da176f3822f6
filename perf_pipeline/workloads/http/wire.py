"""One TCP or TLS connection that carries one exchange at a time: deadline, stamps, and its end.

Add here: what holds for every version of HTTP. Keep out: what the bytes mean (http1.py,
http2.py), opening connections, and resending.
"""

import asyncio
import ssl
from collections.abc import Sequence
from time import monotonic_ns
from typing import Final, cast

from perf_pipeline.workloads.http.answer_takers import AnswerTaker, AwaitedAnswer
from perf_pipeline.workloads.http.result import HttpError

_MOST_TOLD: Final = 120  # bytes of a line that could not be read
Fields = Sequence[tuple[bytes, bytes]]
MAX_HEAD_BYTES: Final = 262_144
# A body that comes byte by byte would take forty times its size in memory.
MANY_PARTS: Final = 4_096
_NS_PER_S: Final = 1_000_000_000
# uvloop's timers have a resolution of 1 ms and may fire that much early (uvloop#739).
_SHORTEST_TIMER_NS: Final = 1_000_000


class Wire(asyncio.Protocol):
    """Send a request, collect its response, take the stamps.

    After an exchange is over, the attributes tell about it until the next one begins.

    Attributes:
        is_open: a request may be written.
        fault: a `HttpError` that was met while opening; empty when there is none.
        status: the status of the final response; 0 when its head did not arrive.
        headers: as received.
        detail: what could not be read of the response; mostly empty.
        is_cut: its body was longer than what is kept, and nothing of it was.
        sent_ns: just before the first byte was written.
        written_ns: the kernel had taken the last one; 0 when that did not happen.
        first_byte_ns: 0 when no byte arrived.
        ended_ns: last byte, or the moment of the error.
        bytes_out: the bytes of the request as written.
        bytes_in: head and body as read.
    """

    __slots__ = (
        "_answer",
        "_body_at",
        "_deadline_ns",
        "_has_head",
        "_is_head_request",
        "_is_paused",
        "_loop",
        "_max_body_bytes",
        "_parts",
        "_received_ns",
        "_size",
        "_taker",
        "_timer",
        "_timer_ns",
        "_transport",
        "_write",
        "bytes_in",
        "bytes_out",
        "detail",
        "ended_ns",
        "fault",
        "first_byte_ns",
        "headers",
        "is_cut",
        "is_open",
        "sent_ns",
        "status",
        "written_ns",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, max_body_bytes: int) -> None:
        self._loop = loop
        self._max_body_bytes = max_body_bytes
        self._transport: asyncio.Transport | None = None
        self._taker: AnswerTaker | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = self._deadline_ns = self._received_ns = 0
        self.is_open = self._is_paused = False
        self._is_head_request = self._has_head = False
        self._parts: list[bytes] = []
        self._answer, self._body_at = b"", 0
        self._size = self.status = self.bytes_in = self.bytes_out = 0
        self.headers: Fields = ()
        self.sent_ns = self.written_ns = self.first_byte_ns = self.ended_ns = 0
        self.fault = self.detail = ""
        self.is_cut = False

    @property
    def body(self) -> bytes:
        """Return what arrived of the response's body, without transfer coding."""
        if self._body_at:
            return self._answer[self._body_at :]
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
        waiter: asyncio.Future[str] = self._loop.create_future()
        self.post(AwaitedAnswer(waiter), data, is_head_request, timeout_ns)
        return waiter

    def post(self, taker: AnswerTaker, data: bytes, is_head_request: bool, timeout_ns: int) -> None:
        """Write a request as `exchange` does; the taker is called when it is over, maybe at once.

        Args:
            taker: is notified of the end.
            data: the request as it goes over the wire.
            is_head_request: the response has no body, whatever its head says.
            timeout_ns: from now to the last byte of the response.
        """
        assert self._taker is None, "a connection carries one request at a time"
        self._is_head_request = is_head_request
        self._has_head = self.is_cut = False
        self.detail = ""
        if self._parts:
            self._parts = []
        self._body_at = self._size = self.status = self.bytes_in = 0
        self.headers = ()
        self.bytes_out = len(data)
        self.first_byte_ns = self.ended_ns = 0
        self._taker = taker
        self.sent_ns = sent_ns = monotonic_ns()
        self._deadline_ns = deadline_ns = sent_ns + timeout_ns
        self._write(data)
        self.written_ns = 0 if self._is_paused else monotonic_ns()
        if self._timer is None or self._timer_ns > deadline_ns:
            self._arm(timeout_ns)

    def abort(self) -> None:
        """Close at once; an exchange under way is forgotten."""
        self._taker = None
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
        if self._taker is None:
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
        if self._taker is not None:
            self.written_ns = monotonic_ns()

    def eof_received(self) -> None:
        """End the exchange here, one turn of the loop before `connection_lost`."""
        self._stream_ended(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the exchange."""
        self._stream_ended(exc)

    def _stream_ended(self, exc: Exception | None) -> None:
        if self._taker is not None:
            self._received_ns = monotonic_ns()
            self._fail(self._meaning_of_end(exc))
        self._shut()

    def _meaning_of_end(self, exc: Exception | None) -> str:
        # A TLS peer that leaves without close_notify gives an SSLError, and has just closed.
        if exc is not None and not isinstance(exc, ssl.SSLError):
            return HttpError.RESET
        return HttpError.TRUNCATED if self.first_byte_ns else HttpError.CLOSED

    # -- the response's body

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body; of one that is longer than the limit, nothing."""
        self._size += len(part)
        if self._taker is None:  # it belongs to no request of ours
            self._shut()
        elif self._size <= self._max_body_bytes:
            parts = self._parts
            parts.append(part)
            if len(parts) == MANY_PARTS:
                parts[:] = [b"".join(parts)]
        elif not self.is_cut:
            self.is_cut = True
            self._parts.clear()

    # -- the end of an exchange

    def _complete(self, *, is_kept: bool) -> None:
        if self._taker is None:
            return
        self._finish("")
        if not is_kept:
            self._shut()

    def _fail(self, error: str, detail: str = "") -> None:
        if self._taker is not None:
            self.detail = detail
            self._finish(error)
        self._shut()

    def _finish(self, error: str) -> None:
        taker, self._taker = self._taker, None
        self.ended_ns = self._received_ns
        if taker is not None:
            taker.take(error)

    def _shut(self) -> None:
        self.is_open = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None and not self._transport.is_closing():
            self._transport.abort()


def shown(line: bytes) -> str:
    """Return a line of the target's as it may be shown: cut, with control characters escaped."""
    cut = line[:_MOST_TOLD]
    return f"{cut!r}"[1:] + ("..." if len(line) > len(cut) else "")
