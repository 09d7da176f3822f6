"""Decide who may look at the pages: whoever has the token and uses an intended address.

The token comes once, and the browser keeps a cookie that is made of it; programs send it as a
bearer token. No address that a reader copies holds it, and nothing is logged.
Add here: another way in which a stranger may get in. Keep out: pages (server.py).
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from perf_pipeline.following.guard import hosts_here

_BEARER: Final = "Bearer "
_COOKIE: Final = b"perf-pipeline serve"
_PORTS: Final[Mapping[str, str]] = MappingProxyType({"http": ":80", "https": ":443"})


@dataclass(frozen=True, slots=True)
class Door:
    """Know the token, and where people come from.

    Attributes:
        token: that they must have.
        port: the port on 127.0.0.1 that is listened on.
        behind: the address of a reverse proxy, as people write it; empty without one.
    """

    token: str
    port: int
    behind: str = ""

    @property
    def cookie_name(self) -> str:
        """Return the name of the cookie; all ports of a machine share their cookies."""
        return f"perf_pipeline_{self.port}"

    @property
    def cookie(self) -> str:
        """Return what the cookie holds, from which nobody reads the token."""
        return hmac.new(self.token.encode(), _COOKIE, sha256).hexdigest()

    @property
    def is_encrypted(self) -> bool:
        """Say whether people come by HTTPS, so that the cookie goes that way only."""
        return urlsplit(self.behind).scheme == "https"

    def knows_host(self, host: str) -> bool:
        """Say whether a request is for an address that is meant (DNS rebinding)."""
        meant = hosts_here(self.port)
        if self.behind:
            meant |= _names_of(self.behind)
        return host.lower() in meant

    def opens(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> bool:
        """Say whether a request has the token, or the cookie that is made of it."""
        given = headers.get("authorization", "")
        bearer = given.removeprefix(_BEARER) if given.startswith(_BEARER) else ""
        by_cookie = _same(cookies.get(self.cookie_name, ""), self.cookie)
        return self.fits(bearer) or by_cookie

    def fits(self, given: str) -> bool:
        """Say whether a text is the token, in a time that does not depend on the text."""
        return _same(given, self.token)


def _names_of(address: str) -> set[str]:
    """Return what Host may say at an address: the default port of its scheme may be left out."""
    parts = urlsplit(address)
    port = _PORTS[parts.scheme]
    name = parts.netloc.lower().removesuffix(port)
    is_elsewhere = ":" in name.rpartition("]")[2]
    return {name} if is_elsewhere else {name, f"{name}{port}"}


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
