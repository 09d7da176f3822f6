"""Let a server be at another address, or behind TLS, by passing on its connections.

Add here: another place or face of a server. Keep out: servers.
"""

import asyncio
import ssl
from contextlib import AbstractContextManager, closing, suppress

from perf_pipeline_tests.support.servers.serving_loops import serving_streams


def passed_on(
    port: int, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AbstractContextManager[int]:
    """Take connections at an address, and pass them on to a port of 127.0.0.1; give the new port.

    Args:
        port: of the server.
        host: where connections are taken.
        tls: that is ended here; None where the bytes stay as they are.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        with closing(writer), closing(there_writer), suppress(ConnectionError):
            await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))

    return serving_streams(serve, tls, host)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()
