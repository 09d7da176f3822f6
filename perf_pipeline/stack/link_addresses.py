"""Choose the address of a server's name that a proxy connects to.

A client that spreads its connections over all addresses of a name does so behind a proxy as well.
Add here: another rule of choosing an address. Keep out: connecting (link_server.py).
"""

import asyncio
import itertools
import socket
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address


class ServerAddresses:
    """Look up a server's addresses for each connection, as its clients would.

    Args:
        host: the host of the server.
        port: the port of the server.
        spreads: each connection begins with the next address of the family that the resolver
            prefers, as the load's HTTP connections do; otherwise all begin with the first one.
    """

    def __init__(self, host: str, port: int, *, spreads: bool = False) -> None:
        self._host, self._port = host, port
        self._turns = itertools.count() if spreads else itertools.repeat(0)

    async def in_turn(self) -> list[tuple[str, int]]:
        """Return the addresses in the order in which they are to be tried.

        Raises:
            OSError: the name has none, or the resolver does not answer.
        """
        with suppress(ValueError):
            return [(str(ip_address(self._host)), self._port)]
        loop = asyncio.get_running_loop()
        infos = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        same = [_written(address) for family, *_, address in infos if family == infos[0][0]]
        others = [_written(address) for family, *_, address in infos if family != infos[0][0]]
        turn = next(self._turns) % len(same)
        return [(host, self._port) for host in (*same[turn:], *same[:turn], *others)]


def _written(address: Sequence[object]) -> str:
    """Write an address with its scope, without which a link-local one leads nowhere."""
    scope = address[3] if len(address) > 3 else 0
    return f"{address[0]}%{scope}" if scope and "%" not in str(address[0]) else str(address[0])
