"""A programmable HTTP server at the level of bytes, in a thread with its own event loop.

The first segment of the path says what happens: see http_routes.py. Add here: what a test wants
to know about the requests that arrived. Keep out: routes.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field

from perf_pipeline_tests.support.servers.http_routes import ROUTES, Exchange
from perf_pipeline_tests.support.servers.serving_loops import serving_streams


@dataclass(slots=True)
class HttpTarget:
    """Serve `ROUTES` and remember every request.

    Attributes:
        port: on 127.0.0.1.
        requests: in order of arrival.
        connections: how many were accepted.
    """

    port: int
    requests: list[Exchange] = field(default_factory=list)
    connections: int = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number, goes_on = 0, True
        try:
            while goes_on:
                number += 1
                exchange = await _read(reader, writer, number)
                self.requests.append(exchange)
                goes_on = await ROUTES[exchange.path.split("/")[1]](exchange) is not False
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # the client left
        finally:
            writer.close()


async def _read(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
) -> Exchange:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *lines = head.strip().split("\r\n")
    method, path, _ = line.split(" ")
    headers = {name.lower(): value for name, value in (text.split(": ", 1) for text in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Exchange(method, path, headers, body, number, reader, writer)


@contextlib.contextmanager
def http_target(tls: ssl.SSLContext | None = None) -> Iterator[HttpTarget]:
    """Run a target in a thread until the block ends."""
    target = HttpTarget(0)
    with serving_streams(target.serve, tls) as target.port:
        yield target
