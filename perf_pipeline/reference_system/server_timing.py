"""Tell every caller how long its request took, and how much of that was the database.

W3C Server Timing (https://www.w3.org/TR/server-timing/), in ms:
`Server-Timing: db;dur=1.2, total;dur=2.3`.
Add here: another part of a request whose time callers want to know. Keep out: statistics.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter_ns

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NS_PER_MS = 1_000_000


class _Spent:
    """Add up what one request spent in the database."""

    __slots__ = ("database_ns",)

    def __init__(self) -> None:
        self.database_ns = 0


_SPENT: ContextVar[_Spent | None] = ContextVar("spent", default=None)


@contextmanager
def database_time() -> Iterator[None]:
    """Count the time of the block as the database's: waiting for a connection, statement, answer.

    Outside of a request nothing is counted.
    """
    spent = _SPENT.get()
    began_ns = perf_counter_ns()
    try:
        yield
    finally:
        if spent is not None:
            spent.database_ns += perf_counter_ns() - began_ns


class ServerTiming:
    """Add the header to every answer of an application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        spent = _Spent()
        began_ns = perf_counter_ns()

        async def send_timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                total_ms = (perf_counter_ns() - began_ns) / _NS_PER_MS
                database_ms = spent.database_ns / _NS_PER_MS
                value = f"db;dur={database_ms:.3f}, total;dur={total_ms:.3f}"
                message["headers"] = [*message["headers"], (b"server-timing", value.encode())]
            await send(message)

        token = _SPENT.set(spent)
        try:
            await self._app(scope, receive, send_timed)
        finally:
            _SPENT.reset(token)
