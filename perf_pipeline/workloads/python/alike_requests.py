"""Requests of a Python scenario that differ from an earlier one in path and JSON only.

httpx makes five objects of headers for each request and looks through them a dozen times, which is
a third of what a request of a Python scenario costs. Where only path and JSON differ, its headers
are those of the request before but for the length, and so is its head, which was found right then.
It touches private names of httpx 0.28; test_alike_requests compares with httpx's own.
Add here: another part that may differ. Keep out: what a request's head may hold (request_bytes.py).
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import httpx

from perf_pipeline.workloads.python.request_bytes import head_of

_CONTENT_LENGTH: Final = b"content-length"
_TRANSFER_ENCODING: Final = b"transfer-encoding"
_LINE_END: Final = b"\r\n"
_Field = tuple[bytes, bytes, bytes]  # name as written, name in small letters, value
# What httpx writes JSON by (encode_json of its _content.py), but made once.
_as_json: Final = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False
).encode


class RequestPattern:
    """Hold what requests of one method have in common, with or without JSON.

    Args:
        request: one of them, as httpx made it.
        client_fields: the client's own headers, with which it was made.

    Attributes:
        is_usable: others can be made after it; if not, all else is of no use.
        method: the method of all of them.
        client_fields: a copy; with other ones no request can be made after it.

    Raises:
        ValueError: its head can't be sent.
    """

    __slots__ = (
        "_after",
        "_before",
        "_fields",
        "_length_at",
        "client_fields",
        "is_usable",
        "method",
    )

    def __init__(self, request: httpx.Request, client_fields: list[_Field]) -> None:
        fields: list[_Field] = request.headers._list  # noqa: SLF001 - see above
        body = request.content
        self.method, self._fields = request.method, list(fields)
        self.client_fields = list(client_fields)
        places = [at for at, field in enumerate(fields) if field[1] == _CONTENT_LENGTH]
        self._length_at = places[0] if places else -1
        has_length = len(places) == 1 and fields[places[0]][2] == b"%d" % len(body)
        is_odd = any(field[1] == _TRANSFER_ENCODING for field in fields)
        self.is_usable = not is_odd and (has_length or (not places and not body))
        head = head_of(request, body)
        lines = head.split(_LINE_END)[1:-1]
        assert len(lines) == len(fields), "a line for each header"
        cut = self._length_at if has_length else len(lines)
        self._before = b"".join(b"%b%b" % (line, _LINE_END) for line in lines[:cut])
        self._after = b"".join(b"%b%b" % (line, _LINE_END) for line in lines[cut + 1 :])

    def fields(self, body: bytes) -> list[_Field]:
        """Return the headers of a request with that body, as `httpx.Headers` keeps them."""
        fields = list(self._fields)
        if self._length_at >= 0:
            name, small, _ = fields[self._length_at]
            fields[self._length_at] = (name, small, b"%d" % len(body))
        return fields

    def written(self, raw_path: bytes, body: bytes) -> bytes:
        """Return a request with that body, as `request_bytes.written` would write it."""
        first = (self.method.encode("ascii"), raw_path, self._before)
        if self._length_at < 0:
            return b"%b %b HTTP/1.1\r\n%b\r\n" % first
        name = self._fields[self._length_at][0]
        return b"%b %b HTTP/1.1\r\n%b%b: %d\r\n%b\r\n%b" % (
            *first,
            name,
            len(body),
            self._after,
            body,
        )


class AlikeRequest(httpx.Request):
    """Act as the httpx.Request that httpx would have made.

    Args:
        pattern: what it is made after.
        url: on the target.
        content: the value that is sent as JSON; None for no body.
        extensions: as httpx keeps them.
    """

    def __init__(
        self, pattern: RequestPattern, url: httpx.URL, content: Any, extensions: dict[str, Any]
    ) -> None:
        body = b"" if content is None else _as_json(content).encode("utf-8")
        self._pattern, self._url, self._body = pattern, url, body
        self.method, self.url, self.extensions = pattern.method, url, extensions
        self._content = body
        self._headers: httpx.Headers | None = None
        self._stream: httpx.SyncByteStream | httpx.AsyncByteStream | None = None

    @property
    def headers(self) -> httpx.Headers:
        """Return the headers, which may be changed."""
        if self._headers is None:
            self._headers = headers = httpx.Headers()
            headers._list = self._pattern.fields(self._body)  # noqa: SLF001 - see above
        return self._headers

    @headers.setter
    def headers(self, given: httpx.Headers) -> None:
        self._headers = given

    @property
    def stream(self) -> httpx.SyncByteStream | httpx.AsyncByteStream:
        """Return the body as a stream."""
        if self._stream is None:
            self._stream = httpx.ByteStream(self._body)
        return self._stream

    @stream.setter
    def stream(self, given: httpx.SyncByteStream | httpx.AsyncByteStream) -> None:
        self._stream = given

    def written(self) -> bytes | None:
        """Return its bytes; None where somebody has changed it since it was made."""
        headers, pattern = self._headers, self._pattern
        is_as_made = (
            self.url is self._url
            and self.method is pattern.method
            and self._content is self._body
            and (headers is None or headers._list == pattern.fields(self._body))  # noqa: SLF001 - see above
        )
        return pattern.written(self._url.raw_path, self._body) if is_as_made else None


class AlikeRequests:
    """Make requests after earlier ones.

    Args:
        client: whose headers and parameters count.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._patterns: dict[tuple[str, bool], RequestPattern] = {}

    def make(
        self, method: str, url: httpx.URL, content: Any, extensions: Mapping[str, Any] | None
    ) -> httpx.Request | None:
        """Return a request; None where there is none like it yet, or the client has changed."""
        client = self._client
        pattern = self._patterns.get((method, content is not None))
        if (
            pattern is None
            or not pattern.is_usable
            or client._params  # noqa: SLF001 - the property takes as long as all of this
            or client._headers._list != pattern.client_fields  # noqa: SLF001 - see above
        ):
            return None
        given = {} if extensions is None else dict(extensions)
        if "timeout" not in given:
            given["timeout"] = client.timeout.as_dict()
        return AlikeRequest(pattern, url, content, given)

    def learn(self, method: str, content: Any, request: httpx.Request) -> None:
        """Let later requests be made after this one, which httpx made of nothing but that."""
        fields = self._client._headers._list  # noqa: SLF001 - see above
        try:
            pattern = RequestPattern(request, fields)
        except ValueError:  # its head can't be sent, which whoever sends it says
            return
        self._patterns[method, content is not None] = pattern
