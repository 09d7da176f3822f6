"""The cookies of one virtual user on one origin.

Add here: how cookies are kept. Keep out: what they mean (workloads/http/cookies.py); other
origins: steps stay on the target's own.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from perf_pipeline.workloads.http.cookies import Cookie, read_set_cookie
from perf_pipeline.workloads.http.origin import HttpOrigin


class CookieJar:
    """Keep the cookies that the origin sets, and return those that go back to it.

    Args:
        origin: the only one that cookies come from and go to.

    Attributes:
        cookies: by name and path, in the order in which they were first set.
    """

    __slots__ = ("_origin", "cookies")

    def __init__(self, origin: HttpOrigin) -> None:
        self._origin = origin
        self.cookies: dict[tuple[str, str], Cookie] = {}

    def clear(self) -> None:
        """Forget all cookies."""
        self.cookies.clear()

    def take(self, headers: Iterable[tuple[bytes, bytes]], path: str) -> None:
        """Take the cookies of a response to a request of that path."""
        for name, value in headers:
            if len(name) == 10 and name.lower() == b"set-cookie":
                self._set(value.decode("latin-1"), path)

    def pairs_for(self, path: str) -> bytes:
        """Return the value of a request's Cookie header, longest path first; may be empty."""
        is_tls = self._origin.is_tls
        sent = [cookie for cookie in self.cookies.values() if cookie.goes_to(path, is_tls=is_tls)]
        if any(cookie.expires for cookie in sent):
            now = datetime.now(UTC)
            sent = [cookie for cookie in sent if cookie.expires is None or cookie.expires > now]
        sent.sort(key=lambda cookie: len(cookie.path), reverse=True)
        return "; ".join([cookie.pair for cookie in sent]).encode("latin-1")

    def _set(self, text: str, path: str) -> None:
        origin, now = self._origin, datetime.now(UTC)
        cookie = read_set_cookie(text, origin.host, path, is_tls=origin.is_tls, now=now)
        if cookie is None:
            return
        if cookie.expires is not None and cookie.expires <= now:
            self.cookies.pop((cookie.name, cookie.path), None)
        else:
            self.cookies[cookie.name, cookie.path] = cookie
