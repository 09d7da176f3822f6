"""An API that takes 40 requests per second, and sheds the rest with 429: a token bucket.

Standard library only, because it runs in a pod from a config map. Add here: nothing.
"""

# ruff: noqa: INP001 - a program of its own, in a pod

import asyncio
import signal
import time

_PER_S, _DEPTH = 40.0, 5.0


class Bucket(asyncio.Protocol):
    """Answer each request at once, with 200 as long as there are tokens."""

    tokens, seen_s = 0.0, time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to answer."""
        self._transport = transport

    def data_received(self, _: bytes) -> None:
        """Take a request: small, and so in one piece."""
        now_s = time.monotonic()
        Bucket.tokens = min(_DEPTH, Bucket.tokens + (now_s - Bucket.seen_s) * _PER_S)
        Bucket.seen_s = now_s
        taken = Bucket.tokens >= 1
        Bucket.tokens -= taken
        status = "200 OK" if taken else "429 Too Many Requests"
        self._transport.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}".encode())


async def main() -> None:
    """Serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    await loop.create_server(Bucket, "0.0.0.0", 8000)  # noqa: S104  a pod has an address of its own
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)  # the first process of a pod has none
    await ended.wait()


asyncio.run(main())
