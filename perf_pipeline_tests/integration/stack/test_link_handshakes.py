"""The proxy before a server with TLS: who goes in the middle of a handshake leaves nothing."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from perf_pipeline.config.hosts import Place
from perf_pipeline.stack.ending import dispose
from perf_pipeline.stack.link_certificate import new_certificate
from perf_pipeline.stack.link_routes import Links, links_before
from perf_pipeline.stack.link_rule import LinkRule
from perf_pipeline.stack.links import HeldLinks, start_links
from perf_pipeline.stack.process_register import this_process
from perf_pipeline.stack.service import open_folder

PATIENCE_S: Final = 30.0
AT_ONCE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST
HELLO_BEGUN: Final = b"\x16\x03\x01\x01\x00"  # a record of a handshake of 256 bytes (RFC 8446, 5.1)


@dataclass
class Echoes:
    """Send back what comes in TLS, and count who is connected."""

    connected: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a client until it goes."""
        await self._count(1)
        with suppress(ConnectionError):
            while data := await reader.read(1_000):
                writer.write(data)
        writer.close()
        await self._count(-1)

    async def until(self, number: int) -> None:
        """Wait until so many are connected."""
        async with asyncio.timeout(PATIENCE_S), self.changed:
            await self.changed.wait_for(lambda: self.connected == number)

    async def _count(self, more: int) -> None:
        async with self.changed:
            self.connected += more
            self.changed.notify_all()


@asynccontextmanager
async def proxied(folder: Path) -> AsyncIterator[tuple[Links, Echoes]]:
    """Serve in TLS behind a real proxy."""
    pair = folder / "pair.pem"
    pair.write_text("\n".join(new_certificate()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    echoes = Echoes()
    server = await asyncio.start_server(echoes.serve, "127.0.0.1", 0, ssl=context)
    place = Place("127.0.0.1", server.sockets[0].getsockname()[1])
    settings = {"security.protocol": "ssl", "ssl.ca.location": str(pair)}
    stack = folder / "stack"
    open_folder(stack, owner=this_process())
    planned = links_before({"broker": (place,)})
    try:
        yield await asyncio.to_thread(start_links, stack, planned, {}, settings), echoes
    finally:
        await asyncio.to_thread(dispose, stack)
        server.close()


async def gone_in_the_handshake(port: int, sent: bytes, echoes: Echoes) -> None:
    """Connect, and reset the connection when the proxy has reached the server for it."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(sent)
        await echoes.until(1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)


async def resets_reach(links: Links, echoes: Echoes) -> None:
    """Connect as the load does, and let a fault reset it."""
    (link,) = links.links
    trusting = ssl.create_default_context(cadata=links.certificate)
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port, ssl=trusting)
    writer.write(b"ping")
    assert await reader.readexactly(4) == b"ping"
    held = await asyncio.to_thread(HeldLinks, links, [link.name], LinkRule(resets=True))
    with suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
    await echoes.until(0)
    held.release()
    writer.close()


def test_clients_that_reset_in_the_handshake_are_forgotten_and_faults_reach_the_others(
    tmp_path: Path,
) -> None:
    async def go() -> None:
        async with proxied(tmp_path) as (links, echoes):
            for sent in (b"", HELLO_BEGUN):
                await gone_in_the_handshake(links.links[0].port, sent, echoes)
                await echoes.until(0)  # the server's connection ends with the client's
            await resets_reach(links, echoes)

    asyncio.run(go())
