"""A Python scenario's request with the client's cookies, and the one that follows a redirect.

The rules are those of steps (workloads/http/redirects.py, workloads/http/cookies.py).
Add here: what a request of httpx's takes on its way. Keep out: sending (transport.py).
"""

from typing import Final

import httpx

from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.redirects import (
    OF_A_BODY,
    REDIRECTS,
    redirected_method,
    redirected_to,
)
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline.workloads.python.cookies import OriginCookies

_OWN_COOKIES: Final = "own_cookies"  # of a request that was given the client's, too
_COOKIE: Final = b"cookie"


def add_cookies(request: httpx.Request, cookies: OriginCookies) -> None:
    """Add a client's cookies to those that a request has, in one line (RFC 6265bis, 5.8)."""
    path = request.url.raw_path.partition(b"?")[0].decode("ascii")
    pairs = cookies.pairs_for(path)
    if not pairs:
        return
    own = _cookies_of(request)
    kept = [pair for pair in request.headers.raw if pair[0].lower() != _COOKIE]
    request.headers = httpx.Headers([*kept, (b"Cookie", b"; ".join([*own, pairs]))])
    request.extensions = {**request.extensions, _OWN_COOKIES: own}


def following_of(
    request: httpx.Request, result: HttpResult, origin: HttpOrigin
) -> httpx.Request | None:
    """Return the next request of a redirect, without the client's cookies; None if there is none.

    Args:
        request: that was answered.
        result: its response.
        origin: the origin of the target, the only one that is followed to.
    """
    if result.status not in REDIRECTS:
        return None
    there = redirected_to(origin, request.url.raw_path.decode("ascii"), result)
    if there is None:
        return None
    given = request.method.encode("ascii")
    method = redirected_method(result.status, given)
    dropped = {_COOKIE} if method == given else {_COOKIE, *OF_A_BODY}
    headers = [pair for pair in request.headers.raw if pair[0].lower() not in dropped]
    own = request.extensions.get(_OWN_COOKIES, _cookies_of(request))
    return httpx.Request(
        method.decode("ascii"),
        str(there),
        headers=[*headers, *((b"Cookie", value) for value in own)],
        stream=request.stream if method == given else None,
        extensions=request.extensions,
    )


def _cookies_of(request: httpx.Request) -> list[bytes]:
    return [value for name, value in request.headers.raw if name.lower() == _COOKIE]
