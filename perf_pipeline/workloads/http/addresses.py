"""Choose which addresses of a target's name a new connection tries, and in which order.

A name is resolved for each new connection, because its addresses may change during a load, and the
connection goes to the address that was checked. Each new connection begins with the next address of
the family that the resolver prefers, so that all of them are loaded equally; those after it are
tried if one refuses, or keeps silent for its share of the time. Source of the shares:
https://github.com/golang/go/blob/master/src/net/dial.go (partialDeadline), which k6 dials with.
Add here: another rule of choosing an address. Keep out: which hosts may be loaded (config/).
"""

import asyncio
import socket
from collections.abc import Sequence
from typing import Final

from perf_pipeline.config.hosts import is_loopback_address
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.result import NotAllowedAddressError

SockAddress = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
Address = tuple[socket.AddressFamily, SockAddress]
LOOPBACK: Final = "127.0.0.1"
_LEAST_SHARE_S: Final = 2.0  # as in Go: a shorter time would fail for a distant address


async def addresses_in_turn(origin: HttpOrigin) -> list[Address]:
    """Return all addresses of the target in the order in which this connection tries them.

    Behind a proxy it is only the proxy's address.

    Raises:
        OSError: the name has no address, or the resolver does not answer.
        NotAllowedAddressError: the name is one of this machine, but an address is not.
    """
    if origin.through:
        return [(socket.AF_INET, (LOOPBACK, origin.through))]
    host, port = origin.host, origin.port
    try:
        # An address needs no resolver, and no thread to ask one.
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        loop = asyncio.get_running_loop()
        infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    found = [(family, address) for family, _, _, _, address in infos]
    if not origin.is_allowed_anywhere:
        _require_this_machine(host, found)
    return in_turn(found, next(origin.turns))


def in_turn(found: Sequence[Address], turn: int) -> list[Address]:
    """Order addresses: the first one's family, beginning at this turn, then the others.

    >>> in_turn([(2, ("a", 1)), (10, ("b", 1)), (2, ("c", 1))], 1)
    [(2, ('c', 1)), (2, ('a', 1)), (10, ('b', 1))]
    """
    same = [address for address in found if address[0] == found[0][0]]
    others = [address for address in found if address[0] != found[0][0]]
    at = turn % len(same) if same else 0
    return [*same[at:], *same[:at], *others]


def share_s(left_s: float, addresses_left: int) -> float:
    """Return the time for one of several addresses: an equal share of the rest, at least 2 s.

    >>> share_s(9.0, 3), share_s(3.0, 3), share_s(1.0, 2)
    (3.0, 2.0, 1.0)
    """
    return min(left_s, max(left_s / addresses_left, _LEAST_SHARE_S))


def _require_this_machine(host: str, found: Sequence[Address]) -> None:
    foreign = [str(address[0]) for _, address in found if not is_loopback_address(str(address[0]))]
    if foreign:
        raise NotAllowedAddressError(f"{host} is {', '.join(foreign)}, which is not this machine")
