"""The response that a Python scenario is given: httpx's own, whose body is read when it is asked.

Add here: what of a response a target can make unreadable. Keep out: requests (transport.py).
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Protocol

import httpx

from perf_pipeline.workloads.http.bodies import UnreadableBodyError, plain_body
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline.workloads.python.cookies import OriginCookies


class ResponseObserver(Protocol):
    """Learn what an author's code does with a response."""

    def looked_at(self, result: HttpResult) -> None:
        """Note that the code looks at a body: what it raises from now on may be about it."""
        ...

    def unreadable(self, result: HttpResult | None, error: Exception) -> None:
        """Note an exception that the target caused, by one response or by several."""
        ...


class AnswerHeaders:
    """Hold the headers of a response as httpx has them; a head that is known brings them again.

    Args:
        received: what the load transport received.

    Attributes:
        received: the same.
        headers: as httpx has them.
        set_cookies: there are cookies among them.
    """

    __slots__ = ("headers", "received", "set_cookies")

    def __init__(self, received: Sequence[tuple[bytes, bytes]]) -> None:
        self.received = received
        self.headers = httpx.Headers(list(received))
        self.set_cookies = "set-cookie" in self.headers


class LoadResponse(httpx.Response):
    """Act as an httpx.Response that knows which exceptions are the target's.

    A body is decompressed when somebody looks at it. Reading one that is broken raises what
    httpx raises: `httpx.DecodingError`, or of `json()` a `ValueError`.

    Args:
        result: the result of the load transport.
        headers: the headers of that result.
        request: that it answers.
        version: the version of HTTP, as httpx names it.
        most_bytes: the largest size of a body that is kept, and of one that is decompressed.
        observer: learns who looked at the body, and of each such exception.
        cookies: an empty jar of the target's origin.

    Attributes:
        sets_cookies: there are cookies among its headers.
    """

    def __init__(
        self,
        result: HttpResult,
        headers: AnswerHeaders,
        request: httpx.Request,
        version: bytes,
        most_bytes: int,
        observer: ResponseObserver,
        cookies: Callable[[], OriginCookies],
    ) -> None:
        self._result = result
        self.sets_cookies = headers.set_cookies
        self._most_bytes = most_bytes
        self._observer = observer
        self._new_cookies = cookies
        self._plain: bytes | None = None
        # What httpx's own constructor sets, but that makes headers and a stream for nobody.
        self.status_code = result.status
        self._known_headers = headers
        self._own_headers: httpx.Headers | None = None
        self._request: httpx.Request | None = request
        self.next_request = None
        self.extensions = {"http_version": version, "result": result}
        self.history = []
        self.is_closed = self.is_stream_consumed = False
        self.default_encoding = "utf-8"
        self._own_stream: httpx.SyncByteStream | httpx.AsyncByteStream | None = None
        self._num_bytes_downloaded = 0
        self._elapsed_ns: int | None = None

    @property
    def headers(self) -> httpx.Headers:
        """Return the headers, which may be changed."""
        if self._own_headers is None:
            self._own_headers = httpx.Headers(self._known_headers.headers)
        return self._own_headers

    @headers.setter
    def headers(self, given: httpx.Headers) -> None:
        self._own_headers = given

    @property
    def stream(self) -> httpx.SyncByteStream | httpx.AsyncByteStream:
        """Return the body as a stream."""
        if self._own_stream is None:
            result = self._result
            self._own_stream = (
                _Unkept(self._fault) if result.is_cut else httpx.ByteStream(result.body)
            )
        return self._own_stream

    @stream.setter
    def stream(self, given: httpx.SyncByteStream | httpx.AsyncByteStream) -> None:
        self._own_stream = given

    @property
    def elapsed(self) -> timedelta:
        """Return how long the request took, to the end of its body.

        Raises:
            RuntimeError: its body has not been read.
        """
        if self._elapsed_ns is None:
            raise RuntimeError("elapsed is known once the response was read or closed")
        return timedelta(microseconds=self._elapsed_ns / 1_000)

    @elapsed.setter
    def elapsed(self, took: timedelta) -> None:
        self._elapsed_ns = round(took / timedelta(microseconds=1) * 1_000)

    @property
    def content(self) -> bytes:
        """Return the body, without its content coding."""
        self._observer.looked_at(self._result)
        if self._plain is None:
            raw = super().content
            self._plain = self._decoded() if raw or self._result.is_cut else raw
        return self._plain

    def read(self) -> bytes:
        """Read the body."""
        if not hasattr(self, "_content"):
            self._content = b"".join(self.iter_raw())
        return self.content

    async def aread(self) -> bytes:
        """Read the body."""
        if not hasattr(self, "_content"):
            self._content = b"".join([part async for part in self.aiter_raw()])
        return self.content

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Return the body in pieces, without its content coding."""
        yield from _pieces(self.read(), chunk_size)

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Return the body in pieces, without its content coding."""
        for piece in _pieces(await self.aread(), chunk_size):
            yield piece

    def json(self, **options: Any) -> Any:
        """Read the body as JSON."""
        try:
            return super().json(**options)
        except (ValueError, RecursionError) as error:
            self._observer.unreadable(self._result, error)
            raise

    @property
    def text(self) -> str:
        """Read the body as text; bytes that are invalid in its charset are replaced."""
        try:
            return super().text
        except Exception as error:  # a charset like `hex` is one of Python's, and none of text
            self._observer.unreadable(self._result, error)
            raise

    @property
    def cookies(self) -> httpx.Cookies:
        """Return the cookies that this response sets."""
        taken = self._new_cookies()
        taken.extract_cookies(self)
        return taken

    def take_as_read(self, took_ns: int) -> None:
        """Mark the body as read; httpx's own way costs 12 us more."""
        self._elapsed_ns = took_ns
        self._content = body = self._result.body
        self._num_bytes_downloaded = len(body)
        self.is_stream_consumed = self.is_closed = True

    def _decoded(self) -> bytes:
        try:
            return plain_body(self._result, most_bytes=self._most_bytes)
        except UnreadableBodyError as error:
            raise self._fault(str(error)) from None

    def _fault(
        self, why: str = ("is larger than the part that is kept (keptBodyBytes)")
    ) -> Exception:
        error = httpx.DecodingError(f"the response's body {why}", request=self.request)
        self._observer.unreadable(self._result, error)
        return error


def _pieces(body: bytes, size: int | None) -> Iterator[bytes]:
    step = max(1, len(body) if size is None else size)
    return (body[at : at + step] for at in range(0, len(body), step))


class _Unkept(httpx.AsyncByteStream):
    """Act as the stream of a body of which nothing was kept."""

    def __init__(self, fault: Callable[[], Exception]) -> None:
        self._fault = fault

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Raise the error that says so."""
        raise self._fault()
