"""Run the process between the parts of a system that passes bytes on, and hinders them on request.

A rule holds as long as the connection that gave it, so that nothing is hindered once the run that
wanted it is gone.
Add here: another request that it answers. Keep out: connections (link_connection.py), and imports
of clients; the proxy stands beside a measurement.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final

from perf_pipeline.engine.open_files import raise_open_files_limit
from perf_pipeline.stack.link_connection import LinkConnection, ProxiedLink
from perf_pipeline.stack.link_end import LinkEnd
from perf_pipeline.stack.link_rule import LinkRule
from perf_pipeline.stack.link_tls import TLS_BY, LinkTls
from perf_pipeline.stack.told_ports import HERE, ToldPorts, spelled

KNOWN_BY: Final = "LINK_PROXY_KNOWN_BY"
"""The variable with what one has to know to be obeyed."""
_WAITING_CLIENTS: Final = 4_096
"""A whole load may connect at once; whoever finds the queue full tries again after a second."""


@dataclass(frozen=True, slots=True)
class Route:
    """Say where a link listens, where it leads, and whether brokers' addresses are rewritten there.

    Attributes:
        name: the name of the link.
        port: where it listens, on loopback.
        upstream: port of the server.
        host: the host of the server.
        tells: answers to clients get the proxy's ports for brokers, inside TLS if the proxy speaks
            it.
        spreads: connections go to all addresses of the host in turn.
    """

    name: str
    port: int
    upstream: int
    host: str = HERE
    tells: bool = False
    spreads: bool = False

    def written(self) -> str:
        """Return it as an argument of this program."""
        return json.dumps(asdict(self))


class LinkProxy:
    """Serve links, and take rules for them.

    Args:
        routes: the routes of the links.
        token: who knows it may give rules.
        tls: with brokers, and with who connects to them; None where they speak none.
    """

    def __init__(self, routes: Iterable[Route], token: str, tls: LinkTls | None = None) -> None:
        served = tuple(routes)
        brokers = {(spelled(it.host), it.upstream): it.port for it in served if it.tells}
        self._told = ToldPorts(brokers)
        self._ports = {it.name: it.port for it in served}
        ends = None if tls is None else (tls.for_load(), tls.for_brokers())
        self._links = {
            it.name: ProxiedLink(it.upstream, it.host, self._told, ends)
            if it.tells
            else ProxiedLink(it.upstream, it.host, spreads=it.spreads)
            for it in served
        }
        self._token = token

    async def serve(self, control: int) -> None:
        """Serve for ever.

        Args:
            control: the port at which rules are taken.
        """
        loop = asyncio.get_running_loop()
        for name, link in self._links.items():
            port, backlog = self._ports[name], _WAITING_CLIENTS
            await loop.create_server(partial(_accepted, link), HERE, port, backlog=backlog)
        server = await asyncio.start_server(self._obey, HERE, control)
        await server.serve_forever()

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one rule, say so, and keep it until the connection ends.

        A request without a rule is answered with the seconds of CPU that this process has taken,
        what brokers named that it does not stand before, and how many connections were no client of
        theirs.
        """
        links: list[ProxiedLink] = []
        try:
            asked = json.loads(await reader.readline() or "{}")
            if asked.get("token") == self._token and "links" not in asked:
                state = {
                    "cpu_s": time.process_time(),
                    "unknown": sorted(self._told.unknown)[:1],
                    "strangers": self._told.strangers,
                }
                writer.write(json.dumps(state).encode() + b"\n")
            elif asked.get("token") == self._token:
                links = [self._links[name] for name in asked["links"]]
                for link in links:
                    link.begin(writer, LinkRule(**asked["rule"]))
                writer.write(b"done\n")
                await reader.read()
        except (ValueError, KeyError, TypeError, OSError):
            pass  # the other side sees its connection end without an answer
        finally:
            for link in links:
                link.end(writer)
            writer.close()


def _accepted(link: ProxiedLink) -> LinkEnd:
    return LinkConnection(link).asks


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Serve the links that the arguments name, each a `Route`, after the control port."""
    raise_open_files_limit()
    routes = [Route(**json.loads(it)) for it in arguments[1:]]
    tls = LinkTls.read(environ[TLS_BY]) if TLS_BY in environ else None
    proxy = LinkProxy(routes, environ[KNOWN_BY], tls)
    asyncio.run(proxy.serve(int(arguments[0])))


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
