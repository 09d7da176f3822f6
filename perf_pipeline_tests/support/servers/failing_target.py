"""An HTTP server whose truth is known: each path answers well for so long, and then fails its way.

A path is `/KIND/SECONDS/NAME`; the seconds count from its first request. A KIND that stands in no
table here answers well.
Add here: another way to fail, or to be slow and well. Keep out: what a run makes of it.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Final

from perf_pipeline_tests.support.servers.serving_loops import serving_streams

_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + b"x" * 20
_NEVER_S: Final = 3_600.0
_Failing = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def _hang(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(_NEVER_S)


async def _reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    raise ConnectionResetError


async def _half(writer: asyncio.StreamWriter) -> None:
    writer.write(_ANSWER[:-10])
    await writer.drain()
    writer.close()
    raise ConnectionResetError


async def _half_head(writer: asyncio.StreamWriter) -> None:
    writer.write(_ANSWER[: _ANSWER.index(b"Length")])
    await writer.drain()
    writer.close()
    raise ConnectionResetError


async def _huge_head(writer: asyncio.StreamWriter) -> None:
    writer.write(_ANSWER.replace(b"Content-", b"X: " + b"x" * (1 << 20) + b"\r\nContent-"))
    await writer.drain()


async def _garbage(writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xff nothing that HTTP knows\r\n\r\n")
    await writer.drain()
    writer.close()
    raise ConnectionResetError


async def _forbid(writer: asyncio.StreamWriter) -> None:
    writer.write(_ANSWER.replace(b"200 OK", b"403 Forbidden"))
    await writer.drain()


async def _drip(writer: asyncio.StreamWriter) -> None:
    for at in range(len(_ANSWER)):
        writer.write(_ANSWER[at : at + 1])
        await writer.drain()
        await asyncio.sleep(0.5)


FAILING: Final[Mapping[str, _Failing]] = MappingProxyType(
    {
        "hang": _hang,
        "reset": _reset,
        "half": _half,
        "half_head": _half_head,
        "huge_head": _huge_head,
        "garbage": _garbage,
        "drip": _drip,
        "forbidden": _forbid,
    }
)
# How long a healthy path takes, s: a draw for each request.
HEALTHY: Final[Mapping[str, Callable[[random.Random], float]]] = MappingProxyType(
    {
        "slow": lambda _: 0.4,
        "two": lambda draw: 0.3 if draw.random() < 0.1 else 0.005,
        "noisy": lambda draw: draw.expovariate(1 / 0.02),
    }
)


class _Paths:
    def __init__(self) -> None:
        self._first_s: dict[str, float] = {}
        self._random = random.Random(1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await self._answer(head.split(b" ", 2)[1].decode(), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        _, kind, *rest = path.split("/")
        if kind in HEALTHY:
            await asyncio.sleep(HEALTHY[kind](self._random))
        elif kind in FAILING:
            since_s = time.monotonic() - self._first_s.setdefault(path, time.monotonic())
            await asyncio.sleep(0.002)
            if since_s > float(rest[0]):
                await FAILING[kind](writer)
                return
        writer.write(_ANSWER)
        await writer.drain()


def failing_target() -> AbstractContextManager[int]:
    """Serve on a free port of 127.0.0.1 and give it."""
    return serving_streams(_Paths().serve)
