"""The request that follows a redirect, on the target's own origin only.

Add here: a rule of RFC 9110, 15.4. Keep out: sending.
"""

from typing import Final
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from perf_pipeline.workloads.http_origin import HttpOrigin
from perf_pipeline.workloads.http_result import HttpResult

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KEEP_METHOD: Final = frozenset({307, 308})
_SAFE_METHODS: Final = frozenset({b"GET", b"HEAD"})
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LEGAL: Final = "/%:@!$&'()*+,;=~-._?[]"


def following_request(origin: HttpOrigin, sent: bytes, result: HttpResult) -> bytes | None:
    """Give the request that a redirect asks for, without cookies; None where there is none.

    As browsers and k6 do it: 301, 302 and 303 go on with GET and no body, 307 and 308 repeat. A
    redirect to another origin is not followed: only the target may be loaded.

    Args:
        origin: of the target.
        sent: the request as it was sent.
        result: its response.
    """
    location = result.header("location")
    if result.status not in REDIRECTS or not location:
        return None
    head, _, body = sent.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    method, target, _ = line.split(b" ")
    here = f"{origin.scheme}://{origin.authority}{target.decode('ascii')}"
    try:
        there = urlsplit(urljoin(here, location))
        if not _is_same_origin(origin, there):
            return None
    except ValueError:
        return None
    dropped = {b"cookie"}
    if result.status not in _KEEP_METHOD and method not in _SAFE_METHODS:
        method, body = b"GET", b""
        dropped |= {b"content-length", b"content-type"}
    kept = [one for one in fields if one.partition(b":")[0].lower() not in dropped]
    line = b"%b %b HTTP/1.1" % (method, _target(there))
    return b"\r\n".join([line, *kept, b"", body])


def target_path(request: bytes) -> str:
    """Give the path that a request asks for, without its query."""
    target = request[: request.index(b"\r\n")].split(b" ")[1]
    return target.partition(b"?")[0].decode("ascii")


def with_header(request: bytes, field: bytes) -> bytes:
    """Give a request with one more header line, which ends in CRLF."""
    at = request.index(b"\r\n") + 2
    return request[:at] + field + request[at:]


def _is_same_origin(origin: HttpOrigin, there: SplitResult) -> bool:
    port = there.port or _DEFAULT_PORTS.get(there.scheme)
    return (there.scheme, there.hostname, port) == (origin.scheme, origin.host, origin.port)


def _target(there: SplitResult) -> bytes:
    path = quote(there.path or "/", safe=_LEGAL)
    query = f"?{quote(there.query, safe=_LEGAL)}" if there.query else ""
    return f"{path}{query}".encode("ascii")
