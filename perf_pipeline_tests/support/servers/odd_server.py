"""A server that answers each request with bytes of the test's own, whatever they are."""

import asyncio
from collections.abc import Callable

from perf_pipeline.workloads.http.client import HttpConnection
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.result import HttpResult

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


async def asked(
    answers: list[bytes | Callable[[], list[bytes]]],
    *,
    closes: bool = False,
    timeout_us: int = 2_000_000,
    limit: int = 1_000_000,
    method: str = "GET",
) -> list[HttpResult]:
    """Send a request for each answer over one client, and give what came of them.

    Args:
        answers: of each request; a function gives it in pieces.
        closes: the server closes after each.
        timeout_us: of each request.
        limit: of a body that is kept.
        method: of each request.
    """
    left = list(answers)
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            while left:
                await reader.readuntil(b"\r\n\r\n")
                answer = left.pop(0)
                for piece in [answer] if isinstance(answer, bytes) else answer():
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
                if closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    origin = HttpOrigin.parse(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    connection = HttpConnection(origin, max_body_bytes=limit)
    results = [await connection.request(method, "/", timeout_us=timeout_us) for _ in answers]
    connection.close()
    server.close()
    for writer in writers:
        writer.close()
    await asyncio.sleep(0)
    return results
