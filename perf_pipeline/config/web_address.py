"""Read HTTP URLs as browsers do: WHATWG URL, IDNA 2008 with UTS 46, IPv4 in every spelling.

This is the only parser of URLs: what it returns is checked, connected to and sent as Host, and the
text is never read a second time. Source: https://url.spec.whatwg.org/
Add here: another part of a URL. Keep out: which hosts may be loaded (safety.py), other kinds of
addresses (hosts.py).
"""

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

import ada_url

from perf_pipeline.config.hosts import Place, bracketed, read_host, require_dns_name

_DEFAULT_PORTS: Final = MappingProxyType({"http": 80, "https": 443})
# A path must be written exactly as it is sent; a host may have letters outside ASCII.
_PLAIN: Final = re.compile(r"[^\x00-\x20\x7f\\/]+//[^\x00-\x20\x7f\\/?#@]+(/[!-~]*)?")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_PORT: Final = re.compile(r"://(?:[^/?#]*@)?(?:\[[^\]]*\]|[^:/?#\[]*):([^/?#]*)")


@dataclass(frozen=True, slots=True)
class WebAddress:
    """Hold a normalized HTTP URL.

    Attributes:
        scheme: `http` or `https`.
        host: in lower case and ASCII, without brackets and without a final dot.
        port: 1 to 65535, even if it is the default of the scheme.
        path: the path, which begins with a slash; it is percent-encoded, like the query.
        query: the query without its question mark; empty if there is none.
        fragment: the fragment without its `#`.
        has_userinfo: whether a user name or password stood before the host; neither is kept.
    """

    scheme: str
    host: str
    port: int
    path: str = "/"
    query: str = ""
    fragment: str = ""
    has_userinfo: bool = False

    @classmethod
    def read(cls, text: str, base: Self | None = None) -> Self:
        """Read a URL, or a reference relative to another one.

        Blanks around the text, and tabs and line ends inside, are dropped, as browsers do.

        Args:
            text: the URL, such as `http://127.0.0.1:8000/a?b`, or `../c` with a base.
            base: the URL that a relative reference starts from, such as that of a redirected
                request.

        Raises:
            ValueError: the text is not such a URL; the sentence continues after it ("names no
                host").
        """
        try:
            url = ada_url.URL(text, base=None if base is None else str(base))
        except ValueError:
            raise ValueError(_mistake(text)) from None
        scheme = url.protocol.removesuffix(":")
        port = _DEFAULT_PORTS.get(scheme)
        if port is None:
            raise ValueError(_wrong_scheme(text, scheme))
        host = url.hostname.strip("[]").removesuffix(".")
        require_dns_name(host)
        if url.port == "0":
            raise ValueError("has the port 0, but a port is a number from 1 to 65535")
        return cls(
            scheme,
            host,
            int(url.port) if url.port else port,
            url.pathname,
            url.search.removeprefix("?"),
            url.hash.removeprefix("#"),
            bool(url.username or url.password),
        )

    @classmethod
    def read_base(cls, text: str) -> Self:
        """Read a URL that other URLs are built on; nothing in it may need dropping or encoding.

        Raises:
            ValueError: the text is not such a URL; the sentence continues after it.
        """
        address = cls.read(text)
        if address.has_userinfo or "@" in text:
            raise ValueError("contains an @; put credentials into the target's secrets instead")
        is_written_out = text.lower().startswith(f"{address.scheme}://")
        if not (is_written_out and _PLAIN.fullmatch(text)) or "?" in text or "#" in text:
            raise ValueError(
                "is not a plain address; write http://host:port/path, percent-encoded and without "
                "? and #"
            )
        return address

    @property
    def origin(self) -> tuple[str, str, int]:
        """Return scheme, host and port; URLs with equal ones go to the same server."""
        return self.scheme, self.host, self.port

    @property
    def place(self) -> Place:
        """Return the place that a client connects to, to compare it with the allowed hosts.

        Raises:
            ValueError: the host is not valid; the sentence continues after it.
        """
        return Place(read_host(self.host), self.port)

    @property
    def root(self) -> str:
        """Return the URL without its path, such as `http://127.0.0.1:8000`."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """Return the Host header's value (RFC 9110, 7.2), without the scheme's default port."""
        host = bracketed(self.host)
        return host if _DEFAULT_PORTS[self.scheme] == self.port else f"{host}:{self.port}"

    @property
    def target(self) -> str:
        """Return path and query as they stand in a request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def __str__(self) -> str:
        return f"{self.root}{self.target}"


def _wrong_scheme(text: str, scheme: str) -> str:
    if not _SCHEME.match(text.strip()):
        return "has no scheme; write http://host:port"
    return f"begins with {scheme[:20]}: but only http:// and https:// can be loaded"


def _mistake(text: str) -> str:
    """Say why a text is not a URL, which the parser itself does not."""
    scheme = _SCHEME.match(text.strip())
    if scheme is None or scheme[1].lower() not in _DEFAULT_PORTS:
        return _wrong_scheme(text, scheme[1] if scheme else "")
    port = _PORT.search(text)
    if port and not (port[1].isascii() and port[1].isdigit() and int(port[1][:6]) <= 65_535):
        # What looks like a port may be part of a password with a slash in it.
        shown = "a port" if "@" in text else f"the port {port[1][:20]!r}"
        return f"has {shown} that is not a number from 1 to 65535"
    if ("[" in text) != ("]" in text):
        return "has an unmatched bracket; write http://[::1]:port"
    return "names no valid host; write http://host:port"
