"""One connection that speaks HTTP/1.1.

httptools (llhttp) does not know that it parses the answer to a HEAD, reports interim responses
like final ones, and is not told about the end of the stream: all three are answered here.
Add here: what a byte of an HTTP/1.1 response means. Keep out: stamps and deadlines (http_wire.py).
"""

import asyncio
from collections.abc import Mapping, Sequence
from time import monotonic_ns
from types import MappingProxyType
from typing import Final

import httptools

from perf_pipeline.workloads.http_heads import KNOWN_HEADS, Head, remember
from perf_pipeline.workloads.http_result import HttpError
from perf_pipeline.workloads.http_wire import MAX_HEAD_BYTES, Wire

# Heads that never come again (a request id in each) cost more to look for than to parse.
_ENOUGH_UNKNOWN_HEADS: Final = 64
_NONE: Final[Mapping[bytes, Head]] = MappingProxyType({})


class Http1Wire(Wire):
    """Exchange requests and responses as HTTP/1.1 writes them."""

    __slots__ = ("_fields", "_heads", "_parser", "_unknown_heads")

    def __init__(self, loop: asyncio.AbstractEventLoop, max_body_bytes: int) -> None:
        super().__init__(loop, max_body_bytes)
        self._parser = httptools.HttpResponseParser(self)
        self._heads: Mapping[bytes, Head] = KNOWN_HEADS
        self._unknown_heads = 0
        self._fields: list[tuple[bytes, bytes]] = []

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
        self._fields = []
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

    def _meaning_of_end(self, exc: Exception | None) -> str:
        is_whole = self._has_head and exc is None and _is_close_delimited(self.headers)
        return "" if is_whole else super()._meaning_of_end(exc)

    # -- the parser's callbacks; `on_body` is the wire's own

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

    def on_message_complete(self) -> None:
        """End the exchange, or wait for the final response after an interim one."""
        if self._has_head:
            self._complete(is_kept=self._parser.should_keep_alive())
        else:
            self._fields.clear()


def _is_close_delimited(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Say whether the body ends with the connection (RFC 9112, 6.3)."""
    fields = {name.lower(): value.lower() for name, value in headers}
    coding = fields.get(b"transfer-encoding", b"")
    return not coding.endswith(b"chunked") and b"content-length" not in fields
