"""The process between the parts of a system: it passes bytes on, and hinders them where it is told.

A rule holds as long as the connection that gave it, so that nothing hinders anybody once the run
that wanted it is gone.
Add here: another thing that it may be asked. Keep out: connections (link_connection.py), and
imports of clients; the proxy stands beside a measurement.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from perf_pipeline.engine.open_files import raise_open_files_limit
from perf_pipeline.stack.link_brokers import ToldPorts
from perf_pipeline.stack.link_connection import HOST, LinkConnection, LinkEnd, ProxiedLink
from perf_pipeline.stack.link_rule import LinkRule

KNOWN_BY: Final = "LINK_PROXY_KNOWN_BY"
"""The variable with what one has to know to be obeyed."""
_WAITING_CLIENTS: Final = 4_096
"""A whole load may connect at once; whoever finds the queue full tries again after a second."""


@dataclass(frozen=True, slots=True)
class Route:
    """Say where a link listens, where it leads, and whether clients are told of brokers there."""

    name: str
    port: int
    upstream: int
    tells: bool = False


class LinkProxy:
    """Serve links, and take rules for them.

    Args:
        routes: of the links.
        token: who knows it may give rules.
    """

    def __init__(self, routes: Iterable[Route], token: str) -> None:
        served = tuple(routes)
        self._told = ToldPorts({it.upstream: it.port for it in served if it.tells})
        self._ports = {it.name: it.port for it in served}
        self._links = {
            it.name: ProxiedLink(it.upstream, self._told if it.tells else None) for it in served
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
            await loop.create_server(partial(_accepted, link), HOST, port, backlog=backlog)
        server = await asyncio.start_server(self._obey, HOST, control)
        await server.serve_forever()

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one rule, say so, and keep it until the connection ends.

        Who gives no rule is told how many seconds of CPU this process has taken, and what brokers
        named that it does not stand before.
        """
        links: list[ProxiedLink] = []
        try:
            asked = json.loads(await reader.readline() or "{}")
            if asked.get("token") == self._token and "links" not in asked:
                state = {"cpu_s": time.process_time(), "unknown": sorted(self._told.unknown)[:1]}
                writer.write(json.dumps(state).encode() + b"\n")
            elif asked.get("token") == self._token:
                links = [self._links[name] for name in asked["links"]]
                for link in links:
                    link.begin(writer, LinkRule(**asked["rule"]))
                writer.write(b"done\n")
                await reader.read()
        except (ValueError, KeyError, TypeError, ConnectionError):
            pass  # the other side sees its connection end without an answer
        finally:
            for link in links:
                link.end(writer)
            writer.close()


def _accepted(link: ProxiedLink) -> LinkEnd:
    return LinkConnection(link).asks


def _routes(arguments: Sequence[str]) -> Iterator[Route]:
    for argument in arguments:
        name, port, upstream, *more = argument.split(":")
        yield Route(name, int(port), int(upstream), tells=bool(more))


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Serve the links that the arguments name, after the control port.

    Each is `name:port:upstream`, with `:brokers` behind it where clients are told of brokers.
    """
    raise_open_files_limit()
    proxy = LinkProxy(_routes(arguments[1:]), environ[KNOWN_BY])
    asyncio.run(proxy.serve(int(arguments[0])))


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
