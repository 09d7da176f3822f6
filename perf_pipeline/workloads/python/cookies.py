"""The cookies of a Python scenario's client: httpx's own face, the rules of workloads.http.

Add here: what httpx's API promises about cookies. Keep out: what they mean
(workloads/http/cookies.py).
"""

from datetime import UTC, datetime
from http.cookiejar import Cookie as StoredCookie

import httpx

from perf_pipeline.workloads.http.cookies import Cookie, read_set_cookie
from perf_pipeline.workloads.http.origin import HttpOrigin


class OriginCookies(httpx.Cookies):
    """Act as an httpx.Cookies of one origin, which reads Set-Cookie as browsers do.

    Args:
        origin: the only one that cookies come from and go to.
    """

    def __init__(self, origin: HttpOrigin) -> None:
        super().__init__()
        self._origin = origin

    def __bool__(self) -> bool:
        """Say whether there are cookies; httpx asks a jar lock by lock."""
        stored = self.jar._cookies  # type: ignore[attr-defined]  # noqa: SLF001 - see above
        return bool(stored) and super().__bool__()

    def clear(self, domain: str | None = None, path: str | None = None) -> None:
        """Remove all cookies, or those of a domain, or of a path of it."""
        if domain is not None or self:
            super().clear(domain, path)

    def extract_cookies(self, response: httpx.Response) -> None:
        """Take the cookies of a response."""
        now, origin = datetime.now(UTC), self._origin
        path = response.request.url.raw_path.partition(b"?")[0].decode("ascii")
        for name, value in response.headers.raw:
            if name.lower() == b"set-cookie":
                line = value.decode("latin-1")
                cookie = read_set_cookie(line, origin.host, path, is_tls=origin.is_tls, now=now)
                if cookie is not None:
                    self._keep(cookie, now)

    def pairs_for(self, path: str) -> bytes:
        """Return the value of the Cookie header of a request of that path; may be empty."""
        now, is_tls = datetime.now(UTC).timestamp(), self._origin.is_tls
        sent = [
            cookie
            for stored in self.jar
            if self._is_ours(stored.domain)
            and not stored.is_expired(int(now))
            and (cookie := _cookie_of(stored)).goes_to(path, is_tls=is_tls)
        ]
        sent.sort(key=lambda cookie: len(cookie.path), reverse=True)
        return "; ".join([cookie.pair for cookie in sent]).encode("latin-1", "replace")

    def _is_ours(self, domain: str) -> bool:
        wanted, host = domain.lower().removeprefix("."), self._origin.host
        return not wanted or wanted == host or host.endswith(f".{wanted}")

    def _keep(self, cookie: Cookie, now: datetime) -> None:
        host = self._origin.host
        if cookie.expires is not None and cookie.expires <= now:
            if cookie.name in self.jar._cookies.get(host, {}).get(cookie.path, {}):  # type: ignore[attr-defined]  # noqa: SLF001 - `clear` raises where there is none
                self.jar.clear(host, cookie.path, cookie.name)
            return
        self.jar.set_cookie(_stored(cookie, host))


def _stored(cookie: Cookie, host: str) -> StoredCookie:
    expires = None if cookie.expires is None else int(cookie.expires.timestamp())
    return StoredCookie(
        version=0,
        name=cookie.name,
        value=cookie.value,
        port=None,
        port_specified=False,
        domain=host,
        domain_specified=False,
        domain_initial_dot=False,
        path=cookie.path,
        path_specified=True,
        secure=cookie.needs_tls,
        expires=expires,
        discard=expires is None,
        comment=None,
        comment_url=None,
        rest={},
    )


def _cookie_of(stored: StoredCookie) -> Cookie:
    return Cookie(stored.name, stored.value or "", stored.path or "/", stored.secure, None)
