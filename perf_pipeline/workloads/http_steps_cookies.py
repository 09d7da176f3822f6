"""The cookies of one virtual user on one origin (RFC 6265).

Add here: an attribute of cookies that servers of load tests use. Keep out: other origins; steps
stay on the target's own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from perf_pipeline.workloads.http_origin import HttpOrigin


@dataclass(frozen=True, slots=True)
class _Cookie:
    name: str
    value: str
    path: str
    needs_tls: bool


class CookieJar:
    """Keep what the origin sets, give what goes back to it.

    Args:
        origin: the only one that cookies come from and go to.

    Attributes:
        cookies: by name and path.
    """

    __slots__ = ("_origin", "cookies")

    def __init__(self, origin: HttpOrigin) -> None:
        self._origin = origin
        self.cookies: dict[tuple[str, str], _Cookie] = {}

    def clear(self) -> None:
        """Forget all cookies."""
        self.cookies.clear()

    def take(self, headers: Iterable[tuple[bytes, bytes]], path: str) -> None:
        """Take the cookies of a response to a request of that path."""
        for name, value in headers:
            if len(name) == 10 and name.lower() == b"set-cookie":
                self._set(value.decode("latin-1"), path)

    def header_for(self, path: str) -> bytes:
        """Give the Cookie header of a request of that path, longest path first; may be empty."""
        sent = [one for one in self.cookies.values() if self._goes_to(one, path)]
        if not sent:
            return b""
        sent.sort(key=lambda one: len(one.path), reverse=True)
        pairs = "; ".join(f"{one.name}={one.value}" for one in sent)
        return f"Cookie: {pairs}\r\n".encode("latin-1")

    def _goes_to(self, cookie: _Cookie, path: str) -> bool:
        if cookie.needs_tls and not self._origin.is_tls:
            return False
        inside = path.startswith(cookie.path) and (
            len(path) == len(cookie.path)
            or cookie.path.endswith("/")
            or path[len(cookie.path)] == "/"
        )
        return inside or path == cookie.path

    def _set(self, text: str, path: str) -> None:
        pair, *rest = text.split(";")
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not name or not equals:
            return
        attributes = {
            key.strip().lower(): given.strip()
            for key, _, given in (part.partition("=") for part in rest)
        }
        if not self._is_ours(attributes.get("domain", "")):
            return
        scope = attributes.get("path", "")
        scope = scope if scope.startswith("/") else path.rpartition("/")[0] or "/"
        if _is_over(attributes):
            self.cookies.pop((name, scope), None)
        else:
            self.cookies[name, scope] = _Cookie(name, value, scope, "secure" in attributes)

    def _is_ours(self, domain: str) -> bool:
        wanted = domain.lower().lstrip(".")
        host = self._origin.host
        return not wanted or host == wanted or host.endswith(f".{wanted}")


def _is_over(attributes: dict[str, str]) -> bool:
    """Say whether a cookie is set to be deleted; Max-Age wins over Expires."""
    age = attributes.get("max-age", "")
    if age.lstrip("-").isdigit():
        return int(age) <= 0
    try:
        expires = parsedate_to_datetime(attributes["expires"])
    except (KeyError, ValueError):
        return False
    return (expires if expires.tzinfo else expires.replace(tzinfo=UTC)) <= datetime.now(UTC)
