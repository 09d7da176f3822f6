"""Where HTTP requests go, and how a request's bytes are written.

Add here: a rule about addresses, targets or request headers. Keep out: sockets (client.py)
and responses (http1.py, http2.py).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Self

from perf_pipeline.config.allowed import AllowedHosts
from perf_pipeline.config.hosts import Place, is_this_machine
from perf_pipeline.config.web_address import WebAddress

_DEFAULT_PORTS = (("http", 80), ("https", 443))
_MOST_SHOWN = 200  # characters of a wrong base URL
_TARGET = re.compile(r"/[!-~]*")
# RFC 9110, sections 5.6.2 (token) and 5.5 (field value).
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FIELD_VALUE = re.compile(r"([!-~\x80-\xff]([\t -~\x80-\xff]*[!-~\x80-\xff])?)?")
_WRITTEN_HERE = frozenset({"host", "content-length", "transfer-encoding", "connection"})
_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class HttpOrigin:
    """Name a server and the path below which it is used.

    Attributes:
        scheme: `http` or `https`.
        host: lower case, ASCII, without the brackets of an IPv6 address, without a final dot.
        port: written out, also where it is the scheme's own.
        prefix: path in front of every target, without a slash at its end; mostly empty.
        is_allowed_anywhere: somebody allowed the host by name, wherever its name leads; otherwise
            it is this machine, and no other address of its name is connected to.
        turns: numbers the new connections of this process, so that they go round the addresses.
        through: port of a proxy on this machine, which connections go to in the server's place;
            0 without one. Requests name the server all the same.
    """

    scheme: str
    host: str
    port: int
    prefix: str = ""
    is_allowed_anywhere: bool = False
    turns: Iterator[int] = field(default_factory=count, compare=False, repr=False)
    through: int = 0

    @classmethod
    def parse(
        cls, base_url: str, allowed: Iterable[str] = (), *, first_turn: int = 0, through: int = 0
    ) -> Self:
        """Read a base URL like `http://127.0.0.1:8000` or `https://example.org/api`.

        Args:
            base_url: the URL of a target that was checked (config/safety.py).
            allowed: hosts that the target allows by name.
            first_turn: which of several addresses the first connection begins with.
            through: port of a proxy on this machine; 0 without one.

        Raises:
            ValueError: it is not such a URL; a user name or password in it is not repeated.
        """
        try:
            address = WebAddress.read_base(base_url)
        except ValueError as error:
            shown = "" if "@" in base_url else f" {base_url[:_MOST_SHOWN]!r}"
            raise ValueError(f"base_url{shown} {error}") from None
        place = Place(address.host, address.port)
        is_named = AllowedHosts.read(allowed).has(place) or not is_this_machine(address.host)
        prefix = address.path.rstrip("/")
        return cls(*address.origin, prefix, is_named, count(first_turn), through)

    @property
    def is_tls(self) -> bool:
        """Say whether connections are encrypted."""
        return self.scheme == "https"

    @property
    def address(self) -> WebAddress:
        """Return the base URL, which relative references are resolved against."""
        return WebAddress(self.scheme, self.host, self.port, f"{self.prefix}/")

    @property
    def authority(self) -> str:
        """Return the value of the Host header (RFC 9110, 7.2)."""
        # Not by way of `address`: it is written into every request.
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if (self.scheme, self.port) in _DEFAULT_PORTS else f"{host}:{self.port}"

    def is_of(self, address: WebAddress) -> bool:
        """Say whether a URL leads to this server, whatever its path."""
        return address.origin == (self.scheme, self.host, self.port)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.prefix}"

    def encode(self, method: str, target: str, headers: bytes, body: bytes) -> bytes:
        """Write a request as it goes over the wire.

        Args:
            method: upper case.
            target: path and query, percent-encoded; `prefix` is put in front.
            headers: from `header_block`.
            body: may be empty.

        Raises:
            ValueError: the target holds something that must be percent-encoded.
        """
        if not _TARGET.fullmatch(target):
            raise ValueError(f"request target {target!r} must begin with / and be percent-encoded")
        length = ""
        if body or method in _METHODS_WITH_BODY:
            length = f"Content-Length: {len(body)}\r\n"
        head = f"{method} {self.prefix}{target} HTTP/1.1\r\nHost: {self.authority}\r\n{length}"
        return b"%b%b\r\n%b" % (head.encode("ascii"), headers, body)


def header_block(headers: Mapping[str, str]) -> bytes:
    r"""Write headers once, to be used by many requests.

    >>> header_block({"Accept": "application/json"})
    b'Accept: application/json\r\n'

    Raises:
        ValueError: a name or value is not allowed; the value, maybe a secret, is not repeated.
    """
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"header name {name!r} is not a token (RFC 9110, 5.6.2)")
        if name.lower() in _WRITTEN_HERE:
            raise ValueError(
                f"header {name!r} is a header that the client sets itself; leave it out"
            )
        if not _FIELD_VALUE.fullmatch(value):
            raise ValueError(
                f"the value of header {name!r} contains a character that is not allowed"
            )
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")
