"""Normalize hosts: each is compared, checked and connected to in one spelling.

A host is a name (IDNA 2008), an address in any form that a resolver takes, or the path of a socket.
Add here: another kind of host. Keep out: which hosts may be loaded (safety.py), asking a resolver.
"""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

import ada_url

LOCALHOST: Final = "localhost"
_SOCKETS: Final = ("/", "@")  # a path, and Linux' abstract name of a socket
_MOST_BYTES: Final = 253  # the longest name without its final dot; RFC 1035, 2.3.4
_LABEL: Final = re.compile(r"[!-~]{1,63}")
_NOT_IN_HOSTS: Final = re.compile(r"[\s/?#@\\%<>\[\]^|`{}\"]|[^\x20-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Place:
    """Hold the host and port that a connection goes to.

    Attributes:
        host: the normalized host.
        port: None for the path of a socket, and if every port is meant.
    """

    host: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Hold an address that was read, so that clients get exactly what was checked.

    Attributes:
        text: the address in the client's notation, with every default written out that affects
            where it leads; it is a secret if it holds a password.
        places: every place that the client may connect to with this text.
    """

    text: str
    places: tuple[Place, ...]


def read_host(text: str) -> str:
    """Normalize a host: `LOCALHOST.` becomes `localhost`, and `0x7f.1` becomes `127.0.0.1`.

    >>> read_host("Straße.Example."), read_host("0x7f.1"), read_host("[2001:DB8:0::1]")
    ('xn--strae-oqa.example', '127.0.0.1', '2001:db8::1')

    Args:
        text: a name, an address with or without brackets, or the path of a socket.

    Raises:
        ValueError: the text is none of these; the sentence continues after the host ("is empty").
    """
    if is_socket(text):
        return text
    inner = text[1:-1] if text[:1] == "[" and text[-1:] == "]" else text
    address = _address_v6(inner) if ":" in inner else None
    if address is not None:
        return str(address)
    if inner is not text or ":" in text:
        raise ValueError("is not an IPv6 address, and no other host may contain a colon")
    if not text:
        raise ValueError("is empty")
    if found := _NOT_IN_HOSTS.search(text):
        raise ValueError(f"contains {found[0]!r}, which no host may contain")
    try:
        host = ada_url.URL(f"http://{text}/").hostname.removesuffix(".")
    except ValueError:
        raise ValueError("is neither the name of a host nor an address") from None
    require_dns_name(host)
    return host


def require_dns_name(host: str) -> None:
    """Refuse a name that no resolver takes, e.g. because a label is empty or too long.

    Raises:
        ValueError: the sentence continues after the host.
    """
    if ":" in host:
        return
    if not all(_LABEL.fullmatch(label) for label in host.split(".")) or len(host) > _MOST_BYTES:
        raise ValueError(
            "is not a valid name of a host: each part has 1 to 63 characters, and the whole name "
            "at most 253"
        )


def read_port(text: str) -> int:
    """Read a port number.

    Raises:
        ValueError: it is not a number from 1 to 65535. The text is not repeated, because it may be
            part of a password.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= 65_535):
        raise ValueError("has a port that is not a number from 1 to 65535")
    return int(text)


def is_socket(host: str) -> bool:
    """Say whether a host is a socket in the file system, and so on this machine."""
    return host.startswith(_SOCKETS)


def is_this_machine(host: str) -> bool:
    """Say whether a host is loopback: 127.0.0.0/8, ::1, localhost, or a socket.

    Args:
        host: a normalized host.
    """
    return is_socket(host) or host == LOCALHOST or is_loopback_address(host)


def is_loopback_address(address: str) -> bool:
    """Say whether a host is an address of 127.0.0.0/8, also mapped into IPv6, or ::1."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return _unmapped(found).is_loopback and getattr(found, "scope_id", None) is None


def is_address(host: str) -> bool:
    """Say whether a host is an address, so that no resolver has to be asked."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def loopback_addresses() -> tuple[str, ...]:
    """Return the addresses of localhost; 127.0.0.1 and ::1 if the resolver does not know it.

    Raises:
        ValueError: an address is not of this machine; the sentence continues after the host.
    """
    try:
        found = addresses_of(LOCALHOST)
    except OSError:
        return ("127.0.0.1", "::1")  # RFC 6761, 6.3
    foreign = [address for address in found if not is_loopback_address(address)]
    if foreign:
        raise ValueError(f"means {', '.join(foreign)} here, which is not this machine")
    return found


def addresses_of(host: str) -> tuple[str, ...]:
    """Ask the system's resolver for a host's addresses, without duplicates and in its order.

    Raises:
        OSError: the host has no address, or the resolver does not answer.
    """
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def bracketed(host: str) -> str:
    """Write a host as it is written before a port, with an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def _address_v6(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return _unmapped(IPv6Address(text))
    except ValueError:
        return None


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    return (address.version == 6 and address.ipv4_mapped) or address
