"""What the programmable HTTP/2 target does, frame by frame: a route for what a server does wrongly.

Frames that h2 would not send are written as they are. Add here: something that a server does to a
stream or a connection. Keep out: sockets (http2_target.py), and what applications answer
(shop_server.py).
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from time import monotonic_ns
from typing import Final

from h2.connection import H2Connection
from h2.errors import ErrorCodes
from hyperframe.frame import ContinuationFrame, DataFrame, Frame, GoAwayFrame, HeadersFrame

OK_BODY: Final = b'{"ok": true}'
FRAME_BYTES: Final = 16_384  # what every receiver takes (RFC 9113, 4.2)


@dataclass(slots=True)
class Request:
    """Hold one request as it arrived; `number` counts on its connection, from 1."""

    connection: "Connection"
    stream: int
    number: int
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.headers[":path"]

    def answer(
        self, body: bytes = OK_BODY, *, length: int | None = None, ends: bool = True
    ) -> None:
        """Send a head that announces `length` bytes, and a body."""
        told = str(len(body) if length is None else length)
        h2 = self.connection.h2
        h2.send_headers(self.stream, [(":status", "200"), ("content-length", told)])
        h2.send_data(self.stream, body, end_stream=ends)
        self.connection.flush()


@dataclass(slots=True)
class Connection:
    """Be one connection; frames go out by h2 or as they are."""

    h2: H2Connection
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    requests: dict[int, Request] = field(default_factory=dict)

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def write(self, *frames: Frame) -> None:
        """Write frames whatever h2 thinks of them."""
        self.writer.write(b"".join(frame.serialize() for frame in frames))

    def end(self, *, resets: bool = False) -> None:
        """Close the TCP connection, with RST if asked."""
        if resets:
            sock = self.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        self.writer.close()


Route = Callable[[Request], Coroutine[None, None, None]]


async def _ok(request: Request) -> None:
    request.answer()


async def _delay(request: Request) -> None:
    began_ns = monotonic_ns()
    await asyncio.sleep(int(request.path.split("/")[2]) / 1_000)
    request.answer(str((monotonic_ns() - began_ns) // 1_000).encode())


async def _stall(_: Request) -> None:
    return


async def _drip(request: Request) -> None:
    """Send a byte every 50 ms, 100 times."""
    request.answer(b".", length=100, ends=False)
    for _ in range(99):
        await asyncio.sleep(0.05)
        request.connection.h2.send_data(request.stream, b".")
        request.connection.flush()


async def _slow_body(request: Request) -> None:
    request.answer(b"abc", length=6, ends=False)
    await asyncio.sleep(0.1)
    request.connection.h2.send_data(request.stream, b"def", end_stream=True)
    request.connection.flush()


def _reset(code: ErrorCodes) -> Route:
    async def reset(request: Request) -> None:
        request.connection.h2.reset_stream(request.stream, code)
        request.connection.flush()

    return reset


async def _reset_inside(request: Request) -> None:
    request.answer(b"abc", length=10, ends=False)
    await asyncio.sleep(0.02)
    await _reset(ErrorCodes.INTERNAL_ERROR)(request)


async def _goaway_refusing(request: Request) -> None:
    """Say that this stream was never looked at, and stay."""
    request.connection.write(GoAwayFrame(last_stream_id=max(0, request.stream - 2)))


async def _goaway_then_answer(request: Request) -> None:
    """Let this be the last stream, as nginx does after its keepalive_requests, then answer it."""
    request.connection.write(GoAwayFrame(last_stream_id=request.stream))
    await asyncio.sleep(0.02)
    request.answer(b"the last")


async def _goaway_after(request: Request) -> None:
    """Answer, and take leave 20 ms later, between two requests."""
    request.answer()
    await asyncio.sleep(0.02)
    request.connection.write(GoAwayFrame(last_stream_id=request.stream))
    request.connection.end()


async def _stale(request: Request) -> None:
    """Answer the first request of a connection, and close on the arrival of the second."""
    if request.number == 1:
        request.answer()
    else:
        request.connection.end()


async def _stale_goaway(request: Request) -> None:
    if request.number == 1:
        request.answer()
    else:
        await _goaway_refusing(request)


async def _close(request: Request) -> None:
    request.connection.end()


async def _tcp_reset(request: Request) -> None:
    request.connection.end(resets=True)


async def _truncated(request: Request) -> None:
    request.answer(b"abc", length=10, ends=False)
    request.connection.end()


async def _short(request: Request) -> None:
    """End the stream before the announced length (malformed: RFC 9113, 8.1.1)."""
    request.answer(b"abc", length=3, ends=False)
    request.connection.write(DataFrame(request.stream, b"too much", flags=["END_STREAM"]))


async def _garbage(request: Request) -> None:
    request.connection.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


async def _bad_head(request: Request) -> None:
    """Send a header block that is no HPACK."""
    frame = HeadersFrame(request.stream, b"\xff\xff\xff\xff", flags=["END_HEADERS"])
    request.connection.write(frame)


def _odd_head(*pairs: tuple[str, str]) -> Route:
    """Send a head that h2 itself would not."""

    async def route(request: Request) -> None:
        block = request.connection.h2.encoder.encode(pairs)
        request.connection.write(HeadersFrame(request.stream, block, flags=["END_HEADERS"]))

    return route


async def _huge_head(request: Request) -> None:
    """Send 400,000 bytes of headers as they are: Huffman codes take Python a third of a second."""
    long = [(f"x-long-{number}", "z" * 4_000) for number in range(100)]
    block = request.connection.h2.encoder.encode([(":status", "200"), *long], huffman=False)
    first, *others = (block[at : at + FRAME_BYTES] for at in range(0, len(block), FRAME_BYTES))
    frames = [ContinuationFrame(request.stream, part) for part in others]
    frames[-1].flags.add("END_HEADERS")
    request.connection.write(HeadersFrame(request.stream, first), *frames)


async def _interim(request: Request) -> None:
    request.connection.h2.send_headers(request.stream, [(":status", "103"), ("link", "</a>")])
    request.connection.flush()
    await asyncio.sleep(0.02)
    request.answer(b"after")


async def _trailers(request: Request) -> None:
    request.answer(b"abc", ends=False)
    request.connection.h2.send_headers(request.stream, [("x-trailer", "t")], end_stream=True)
    request.connection.flush()


async def _ping(request: Request) -> None:
    request.connection.h2.ping(b"12345678")
    request.answer()


async def _huge(request: Request) -> None:
    """Send a body as far as the client's window goes: no more than that."""
    h2, left = request.connection.h2, int(request.path.split("/")[2])
    h2.send_headers(request.stream, [(":status", "200"), ("content-length", str(left))])
    while left:
        room = min(h2.local_flow_control_window(request.stream), 16_384, left)
        await asyncio.sleep(0 if room else 0.001)
        left -= room
        h2.send_data(request.stream, b"z" * room, end_stream=not left)
        request.connection.flush()
        await request.connection.writer.drain()


async def _early(request: Request) -> None:
    """Answer although the body has not come whole (taken at the request's head)."""
    request.answer(b"enough")


ROUTES: Final[Mapping[str, Route]] = {
    "ok": _ok,
    "delay": _delay,
    "stall": _stall,
    "drip": _drip,
    "slow-body": _slow_body,
    "reset": _reset(ErrorCodes.INTERNAL_ERROR),
    "refused": _reset(ErrorCodes.REFUSED_STREAM),
    "reset-inside": _reset_inside,
    "goaway-refusing": _goaway_refusing,
    "goaway-then-answer": _goaway_then_answer,
    "goaway-after": _goaway_after,
    "stale": _stale,
    "stale-goaway": _stale_goaway,
    "close": _close,
    "tcp-reset": _tcp_reset,
    "truncated": _truncated,
    "short": _short,
    "garbage": _garbage,
    "bad-head": _bad_head,
    "huge-head": _huge_head,
    "odd-status": _odd_head((":status", "abc")),
    "no-status": _odd_head(("server", "x")),
    "capitals": _odd_head((":status", "200"), ("Server", "x")),
    "interim": _interim,
    "trailers": _trailers,
    "ping": _ping,
    "huge": _huge,
    "early": _early,
}
