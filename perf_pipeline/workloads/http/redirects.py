"""The request that follows a redirect, on the target's own origin only.

Steps and Python scenarios follow the same rules, those of browsers (https://fetch.spec.whatwg.org,
HTTP-redirect fetch).
Add here: a rule about redirects. Keep out: sending.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote_from_bytes

from perf_pipeline.config.web_address import WebAddress
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.result import HttpResult

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
OF_A_BODY: Final = frozenset(
    {b"content-length", b"content-type", b"content-encoding", b"content-language",
     b"content-location", b"transfer-encoding"}
)  # fmt: skip
_SEE_OTHER: Final = 303
_POST_BECOMES_GET: Final = frozenset({301, 302})
_ASCII: Final = "".join(map(chr, range(0x80)))
_COOKIE: Final = b"\r\ncookie:"


def following_request(origin: HttpOrigin, sent: bytes, result: HttpResult) -> bytes | None:
    """Return the next request of a redirect, without the jar's cookies; None if there is none.

    A redirect to another origin is not followed: only the target may be loaded.

    Args:
        origin: the origin of the target.
        sent: the request as the profile has it.
        result: its response.
    """
    head, _, body = sent.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    method, target, _ = line.split(b" ")
    there = redirected_to(origin, target.decode("ascii"), result)
    if there is None:
        return None
    following = redirected_method(result.status, method)
    if following != method:
        body = b""
        fields = [field for field in fields if field.partition(b":")[0].lower() not in OF_A_BODY]
    line = b"%b %b HTTP/1.1" % (following, there.target.encode("ascii"))
    return b"\r\n".join([line, *fields, b"", body])


def redirected_to(origin: HttpOrigin, target: str, result: HttpResult) -> WebAddress | None:
    """Return the URL on the target's origin that a redirect leads to; None where it leads to none.

    Args:
        origin: the origin of the target.
        target: path and query of the request.
        result: its response.
    """
    location = _location(result.headers)
    if result.status not in REDIRECTS or location is None:
        return None
    path, _, query = target.partition("?")
    here = WebAddress(origin.scheme, origin.host, origin.port, path, query)
    try:
        there = WebAddress.read(location, here)
    except ValueError:
        return None
    return there if origin.is_of(there) else None


def redirected_method(status: int, method: bytes) -> bytes:
    """Return the method of the request that follows; one that changes is GET, without a body."""
    if status in _POST_BECOMES_GET and method == b"POST":
        return b"GET"
    if status == _SEE_OTHER and method not in {b"GET", b"HEAD"}:
        return b"GET"
    return method


def _location(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Read Location, in UTF-8 or else byte by byte; several that differ lead nowhere."""
    given = {value.strip() for name, value in headers if name.lower() == b"location"}
    if len(given) != 1:
        return None
    raw = given.pop()
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return quote_from_bytes(raw, safe=_ASCII)


def target_path(request: bytes) -> str:
    """Return the path that a request asks for, without its query."""
    target = request[: request.index(b"\r\n")].split(b" ")[1]
    return target.partition(b"?")[0].decode("ascii")


def with_cookies(request: bytes, pairs: bytes) -> bytes:
    """Return a request with cookies behind those that it has, in one line (RFC 6265bis, 5.8)."""
    end = request.index(b"\r\n\r\n")
    at = request[:end].lower().find(_COOKIE)
    if at < 0:
        at = request.index(b"\r\n") + 2
        return b"%bCookie: %b\r\n%b" % (request[:at], pairs, request[at:])
    at = request.index(b"\r\n", at + 2)
    return b"%b; %b%b" % (request[:at], pairs, request[at:])
