"""Decide who may see the page and stop the run: whoever knows its address, and no other page.

The server listens on this machine only, but every page that a browser here has open can send it
requests. So it requires a token in the path, which no other page knows; a Host that is this
machine's, as a name of an attacker may lead here (DNS rebinding); and for whatever changes
something, an Origin that is its own.

Add here: another way in which a foreign page may get in. Keep out: what is answered (server.py).
"""

import hmac
from collections.abc import Mapping
from typing import Final

_HERE: Final = ("127.0.0.1", "localhost", "[::1]")
_DEFAULT_PORT: Final = 80
HEADERS: Final[Mapping[str, str]] = {
    # An address may hold the token, so it is never sent as a referrer; no page may frame a button.
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
"""Headers of every answer."""


def refusal(headers: Mapping[str, str], token: str, given: str, port: int, *, changes: bool) -> str:
    """Say why a request is refused; empty where it is not.

    Args:
        headers: the headers of the request, names in lower case.
        token: that the address must hold.
        given: what it holds.
        port: that the server listens on.
        changes: the request changes something.
    """
    hosts = hosts_here(port)
    if headers.get("host", "").lower() not in hosts:
        return "this page is for addresses of this machine only, such as 127.0.0.1"
    if not hmac.compare_digest(given.encode(), token.encode()):
        return "the address of this page has changed; `perf-pipeline watch` printed the new one"
    origin = headers.get("origin")
    if origin is not None and origin.lower() not in {f"http://{host}" for host in hosts}:
        return "another page may not ask for this"
    site = headers.get("sec-fetch-site", "same-origin")
    if changes and site != "same-origin":
        return "another page may not ask for this"
    return ""


def hosts_here(port: int) -> frozenset[str]:
    """Return what Host may say of a server on this machine; browsers leave out port 80."""
    named = frozenset(f"{name}:{port}" for name in _HERE)
    return named | frozenset(_HERE) if port == _DEFAULT_PORT else named
