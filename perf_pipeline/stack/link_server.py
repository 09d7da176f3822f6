"""The server behind a link, which is reached at any of its addresses and perhaps in TLS.

Add here: another way of reaching it. Keep out: in which order its addresses are tried
(link_addresses.py), what passes through the connection (link_connection.py).
"""

import asyncio
import ssl
from typing import Final

from perf_pipeline.stack.link_addresses import ServerAddresses
from perf_pipeline.stack.told_ports import spelled

_SHARE_S: Final = 2.0  # of an address that keeps silent where there are others, as Go's at least


class LinkedServer:
    """Reach one server, whatever its name stands for.

    Args:
        host: the host of the server; its certificate is checked for this name.
        port: the port of the server.
        tls: with the server; None speaks plain TCP.
        spreads: connections go to all addresses of the host in turn.
    """

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, *, spreads: bool) -> None:
        self._host, self._tls = host, tls
        self._addresses = ServerAddresses(spelled(host), port, spreads=spreads)

    async def reach(self, end: asyncio.Protocol) -> None:
        """Connect an end to the server.

        Raises:
            OSError: it does not answer, or not in TLS, or with a certificate that is not trusted.
        """
        name = None if self._tls is None else self._host
        refused = OSError(f"{self._host} has no address")
        addresses = await self._addresses.in_turn()
        for at, address in enumerate(addresses, 1):
            try:
                async with asyncio.timeout(_SHARE_S if at < len(addresses) else None):
                    await asyncio.get_running_loop().create_connection(
                        lambda: end, *address, ssl=self._tls, server_hostname=name
                    )
            except OSError as error:
                refused = error
            else:
                return
        raise refused
