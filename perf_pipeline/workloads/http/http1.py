"""One connection that speaks HTTP/1.1.

httptools (llhttp) does not know that it parses the answer to a HEAD, reports interim responses
like final ones, and is not told about the end of the stream: all three are answered here. It reads
with the leniencies that make it read what h11 and browsers do (docs/answers.md).
Add here: what a byte of an HTTP/1.1 response means. Keep out: stamps and deadlines (wire.py).
"""

import asyncio
from collections.abc import Mapping, Sequence
from time import monotonic_ns
from types import MappingProxyType
from typing import Final

import httptools

from perf_pipeline.workloads.http.heads import KNOWN_HEADS, Head, remember
from perf_pipeline.workloads.http.odd_heads import (
    fault_of_fields,
    fault_of_head,
    has_end,
    is_tls_record,
    with_one_length,
)
from perf_pipeline.workloads.http.result import HttpError
from perf_pipeline.workloads.http.wire import MAX_HEAD_BYTES, Wire

# Heads that never come again (a request id in each) cost more to look for than to parse.
_ENOUGH_UNKNOWN_HEADS: Final = 64
_MAY_BE_MENDED: Final = "Content-Length"  # in llhttp's reason, before the head is complete
_SHORT: Final = 4_096
_NONE: Final[Mapping[bytes, Head]] = MappingProxyType({})


class Http1Wire(Wire):
    """Exchange requests and responses as HTTP/1.1 writes them."""

    __slots__ = ("_fields", "_heads", "_latest", "_parser", "_seen", "_unknown_heads")

    def __init__(self, loop: asyncio.AbstractEventLoop, max_body_bytes: int) -> None:
        super().__init__(loop, max_body_bytes)
        self._parser = self._new_parser()
        self._seen = b""  # of the response, as long as its head is not complete
        self._heads: Mapping[bytes, Head] = KNOWN_HEADS
        self._latest: Head | None = None  # of the answer before, if it was a known one
        self._unknown_heads = 0
        self._fields: list[tuple[bytes, bytes]] = []

    def _new_parser(self) -> httptools.HttpResponseParser:
        parser = httptools.HttpResponseParser(self)
        parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_chunked_length=True,
            lenient_version=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        return parser

    def data_received(self, data: bytes) -> None:
        """Stamp the bytes, then parse them."""
        if self._taker is None:
            # Nobody asked: mostly a 408 before the server closes an idle connection.
            self._shut()
            return
        self._received_ns = received_ns = monotonic_ns()
        if self.first_byte_ns:
            self._parse(data)
            return
        self.first_byte_ns = received_ns
        head = self._latest
        if head is None or not data.startswith(head.text):
            self._latest = head = self._heads.get(data[: data.find(b"\r\n\r\n") + 4])
        if (
            head is None
            or head.head_bytes + head.body_bytes != len(data)
            or self._is_head_request
            or head.body_bytes > self._max_body_bytes
        ):
            self._fields, self._seen = [], b""
            self._parse(data)
            self._remember(data)
            return
        # An answer like one before: the parser need not see it.
        self.bytes_in = len(data)
        self._has_head = True
        self.status, self.headers = head.status, head.headers
        self._answer, self._body_at = data, head.head_bytes
        self._unknown_heads = 0
        self._finish("")

    def _parse(self, data: bytes) -> None:
        self.bytes_in += len(data)
        if not self._has_head:
            self._seen = self._seen + data if self._seen else data
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._misread(str(error))
        if not self._has_head and self.bytes_in > MAX_HEAD_BYTES:
            self._fail(HttpError.TOO_LARGE)

    def _misread(self, reason: str) -> None:
        """Read a head again as others would; what nobody reads ends the exchange."""
        if self._taker is None:  # bytes after the response: the connection is of no more use
            self._shut()
        elif self._has_head:
            self._fail(HttpError.PROTOCOL, reason)
        elif is_tls_record(self._seen):
            self._fail(HttpError.SPEAKS_TLS)
        elif (mended := with_one_length(self._seen)) is not None:
            self._parser, self._fields = self._new_parser(), []
            try:
                self._parser.feed_data(mended)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
                self._fail(HttpError.PROTOCOL, fault_of_head(self._seen, str(error)))
        elif has_end(self._seen) or _MAY_BE_MENDED not in reason:
            self._fail(HttpError.PROTOCOL, fault_of_head(self._seen, reason))

    def _remember(self, answer: bytes) -> None:
        """Remember the head, if the answer is whole and the connection still open."""
        if self._taker is None and self.is_open and not self._is_head_request:
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
        seen = self._seen
        # Looking at each field takes a fifth of the parsing; a short head is searched at once.
        is_plain = (
            len(seen) <= _SHORT
            and b"\0" not in seen
            and b" :" not in seen
            and b"\t:" not in seen
            and b"transfer-" not in seen.lower()
        )
        fault = "" if is_plain and status >= 100 else fault_of_fields(status, self._fields)
        if self._taker is None or status == 101 or fault:
            self._fail(HttpError.PROTOCOL, fault or "status 101, which nobody asked for")
        elif status >= 200:
            self.status, self.headers = status, self._fields
            self._has_head = True
            if self._is_head_request:
                is_kept = self._parser.should_keep_alive()
                self._parser = self._new_parser()
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
