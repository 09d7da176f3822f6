"""Serve on an event loop of its own, in a thread, until a block ends.

Add here: another way to take connections. Keep out: answers, and handlers of the standard library
(serving.py).
"""

import asyncio
import queue
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

import uvloop

# Room for every virtual user that connects while the server stands still.
_BACKLOG: Final = 2_048


def serving_protocols(
    protocol: Callable[[], asyncio.Protocol], host: str = "127.0.0.1"
) -> AbstractContextManager[int]:
    """Serve each connection by a protocol, at the speed of uvloop; give the port."""

    async def start() -> asyncio.Server:
        listener = socket.create_server((host, 0), backlog=_BACKLOG)
        loop = asyncio.get_running_loop()
        return await loop.create_server(protocol, sock=listener, backlog=_BACKLOG)

    return _serving(uvloop.new_event_loop, start)


def serving_streams(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
) -> AbstractContextManager[int]:
    """Serve each connection by its streams; give the port."""

    async def start() -> asyncio.Server:
        return await asyncio.start_server(serve, host, 0, ssl=tls)

    return _serving(asyncio.new_event_loop, start)


@contextmanager
def _serving(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
    start: Callable[[], Awaitable[asyncio.Server]],
) -> Iterator[int]:
    ports: queue.Queue[int] = queue.Queue()
    loop, stop = new_loop(), asyncio.Event()

    async def run() -> None:
        server = await start()
        ports.put(server.sockets[0].getsockname()[1])
        await stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=2) if others else None

    def main() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(run())

    thread = threading.Thread(target=main)
    thread.start()
    try:
        yield ports.get(timeout=10)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
