"""What the programmable target does, byte by byte: one route for everything a server does wrongly.

Add here: a misbehaviour of servers. Keep out: sockets and threads (http_target.py).
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic_ns
from typing import Final

OK_BODY: Final = b'{"ok": true}'


@dataclass(slots=True)
class Exchange:
    """Hold one request as it arrived, and the connection that it came on."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    number_on_connection: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def argument(self) -> str:
        return self.path.split("/")[2]

    def answer(self, head: str, body: bytes = b"") -> None:
        self.writer.write(f"HTTP/1.1 {head}\r\n\r\n".encode() + body)

    def answer_ok(self, body: bytes = OK_BODY, *headers: str) -> None:
        lines = ("200 OK", f"Content-Length: {len(body)}", *headers)
        self.answer("\r\n".join(lines), body)

    def reset(self) -> None:
        """Send RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Route = Callable[[Exchange], Awaitable[bool | None]]


async def _ok(exchange: Exchange) -> None:
    exchange.answer_ok()


async def _delay(exchange: Exchange) -> None:
    """Answer after a delay; the header says how long the answer was really held."""
    began_ns = monotonic_ns()
    await asyncio.sleep(int(exchange.argument) / 1_000)
    exchange.answer_ok(OK_BODY, f"X-Held-Us: {(monotonic_ns() - began_ns) // 1_000}")


async def _stall(exchange: Exchange) -> None:
    await exchange.reader.read(1)


async def _stall_inside(exchange: Exchange) -> None:
    exchange.answer("200 OK\r\nContent-Length: 10", b"abc")
    await exchange.reader.read(1)


async def _drip(exchange: Exchange) -> None:
    """Send a byte every 50 ms, 100 times: no single read takes long."""
    exchange.answer("200 OK\r\nContent-Length: 100")
    for _ in range(100):
        exchange.writer.write(b".")
        await asyncio.sleep(0.05)


async def _slow_body(exchange: Exchange) -> None:
    """Send half of the body 100 ms after the other."""
    exchange.answer("200 OK\r\nContent-Length: 6", b"abc")
    await asyncio.sleep(0.1)
    exchange.writer.write(b"def")


async def _reset(exchange: Exchange) -> bool:
    exchange.reset()
    return False


async def _reset_inside(exchange: Exchange) -> bool:
    exchange.answer("200 OK\r\nContent-Length: 10", b"abc")
    await asyncio.sleep(0.02)
    exchange.reset()
    return False


async def _close(_exchange: Exchange) -> bool:
    return False


async def _truncated(exchange: Exchange) -> bool:
    exchange.answer("200 OK\r\nContent-Length: 10", b"abc")
    return False


async def _truncated_chunks(exchange: Exchange) -> bool:
    exchange.answer("200 OK\r\nTransfer-Encoding: chunked", b"3\r\nabc\r\n")
    return False


async def _truncated_head(exchange: Exchange) -> bool:
    exchange.writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    return False


async def _garbage(exchange: Exchange) -> None:
    exchange.writer.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")


async def _chunked(exchange: Exchange) -> None:
    exchange.answer("200 OK\r\nTransfer-Encoding: chunked", b"3\r\nabc\r\n")
    await asyncio.sleep(0.01)
    exchange.writer.write(b"4;note=x\r\ndefg\r\n0\r\nX-Trailer: t\r\n\r\n")


async def _interim(exchange: Exchange) -> None:
    exchange.answer("100 Continue")
    exchange.answer("103 Early Hints\r\nLink: </a>")
    exchange.answer_ok(b"after")


async def _upgrade(exchange: Exchange) -> None:
    exchange.answer("101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade")


async def _status(exchange: Exchange) -> None:
    exchange.answer(f"{exchange.argument} Whatever\r\nContent-Length: 2", b"{}")


async def _no_content(exchange: Exchange) -> None:
    exchange.answer("204 No Content")


async def _not_modified(exchange: Exchange) -> None:
    exchange.answer("304 Not Modified\r\nContent-Length: 5")


async def _head(exchange: Exchange) -> None:
    exchange.answer("200 OK\r\nContent-Length: 77")


async def _until_close(exchange: Exchange) -> bool:
    exchange.answer("200 OK", b"until ")
    await asyncio.sleep(0.01)
    exchange.writer.write(b"close")
    return False


async def _close_header(exchange: Exchange) -> bool:
    exchange.answer_ok(b"bye", "Connection: close")
    return False


async def _stale(exchange: Exchange) -> bool:
    """Answer the first request of a connection, and close it on the arrival of the second."""
    if exchange.number_on_connection == 1:
        exchange.answer_ok()
        return True
    return False


async def _stale_reset(exchange: Exchange) -> bool:
    if exchange.number_on_connection == 1:
        exchange.answer_ok()
        return True
    exchange.reset()
    return False


async def _once(exchange: Exchange) -> bool:
    """Answer, then close without having said so."""
    exchange.answer_ok()
    return False


async def _unasked(exchange: Exchange) -> bool:
    """Answer, and 20 ms later send a 408 that nobody asked for."""
    exchange.answer_ok()
    await asyncio.sleep(0.02)
    exchange.answer("408 Request Timeout\r\nContent-Length: 0")
    return False


async def _twice(exchange: Exchange) -> None:
    """Send two responses to one request, in one piece."""
    one = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
    exchange.writer.write(one + b"one" + one + b"two")


async def _huge(exchange: Exchange) -> None:
    exchange.answer_ok(b"z" * int(exchange.argument))


async def _endless(exchange: Exchange) -> None:
    """Send chunks for ever."""
    exchange.answer("200 OK\r\nTransfer-Encoding: chunked")
    while not exchange.writer.is_closing():
        exchange.writer.write(b"10000\r\n" + b"z" * 65_536 + b"\r\n")
        await exchange.writer.drain()


async def _huge_head(exchange: Exchange) -> None:
    exchange.writer.write(b"HTTP/1.1 200 OK\r\n")
    while not exchange.writer.is_closing():
        exchange.writer.write(b"X-Long: " + b"z" * 65_536 + b"\r\n")
        await exchange.writer.drain()


async def _echo(exchange: Exchange) -> None:
    exchange.answer_ok(exchange.body)


ROUTES: Final[Mapping[str, Route]] = {
    "ok": _ok,
    "health": _ok,
    "delay": _delay,
    "stall": _stall,
    "stall-inside": _stall_inside,
    "drip": _drip,
    "slow-body": _slow_body,
    "reset": _reset,
    "reset-inside": _reset_inside,
    "close": _close,
    "truncated": _truncated,
    "truncated-chunks": _truncated_chunks,
    "truncated-head": _truncated_head,
    "garbage": _garbage,
    "chunked": _chunked,
    "interim": _interim,
    "upgrade": _upgrade,
    "status": _status,
    "204": _no_content,
    "304": _not_modified,
    "head": _head,
    "until-close": _until_close,
    "close-header": _close_header,
    "stale": _stale,
    "stale-reset": _stale_reset,
    "once": _once,
    "unasked": _unasked,
    "twice": _twice,
    "huge": _huge,
    "endless": _endless,
    "huge-head": _huge_head,
    "echo": _echo,
}
