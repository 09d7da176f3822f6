"""Serve the page, its messages, the stop button and the report.

Files are only read while a page is open.
Add here: a route. Keep out: who may ask (guard.py), and the messages to a page (messages.py).
"""

import asyncio
import json
import re
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from perf_pipeline.following.followed_run import FollowedRun
from perf_pipeline.following.guard import HEADERS, refusal
from perf_pipeline.following.messages import Message, Telling
from perf_pipeline.following.stop import stop
from perf_pipeline.report.live_page import render_live_page
from perf_pipeline.store.state import State

EVERY_S: Final = 1.0
_RETRY_MS: Final = 2_000
# A page without news gets a comment after this time, which also shows whether it is closed.
_SILENT_S: Final = 15.0
_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class FollowServer:
    """Answer the pages of one state folder.

    Attributes:
        is_ending: ends the messages to pages, so that the server can stop.

    Args:
        state: folder whose runs are followed.
        token: that every address must hold.
        port: that the server listens on.
    """

    def __init__(self, state: State, token: str, port: int) -> None:
        self._state = state
        self._token = token
        self._port = port
        self._run = FollowedRun(state)
        self._reading = threading.Lock()
        self._read_s = float("-inf")
        self.is_ending = threading.Event()

    def close(self) -> None:
        """Follow the run no longer."""
        with self._reading:
            self._run.close()

    def app(self) -> Starlette:
        """Return the application."""
        return Starlette(
            routes=[
                Route("/", self._guarded(self._no_page)),
                Route("/{token}/", self._guarded(self._page)),
                Route("/{token}/events", self._guarded(self._events)),
                Route("/{token}/stop", self._guarded(self._stop), methods=["POST"]),
                Route("/{token}/report/{run_id}", self._guarded(self._report)),
            ]
        )

    def _guarded(
        self, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            given = request.path_params.get("token", "")
            refused = refusal(
                request.headers, self._token, given, self._port, changes=request.method == "POST"
            )
            if refused:
                return PlainTextResponse(f"{refused}\n", status_code=403, headers=HEADERS)
            return await answer(request)

        return guarded

    async def _no_page(self, _: Request) -> Response:
        raise AssertionError("an address without a token is refused")

    async def _page(self, _: Request) -> Response:
        shown = str(self._state.folder.resolve())
        text = await asyncio.to_thread(render_live_page, shown)
        return Response(text, media_type="text/html", headers=HEADERS)

    async def _events(self, _: Request) -> Response:
        return StreamingResponse(self._told(), media_type="text/event-stream", headers={**HEADERS})

    async def _told(self) -> AsyncIterator[str]:
        """Yield the events of one page, from the beginning of the run."""
        telling = Telling(self._run)
        yield f"retry: {_RETRY_MS}\n\n"
        told_s = time.monotonic()
        while not self.is_ending.is_set():
            news = await asyncio.to_thread(self._news, telling)
            if news or time.monotonic() - told_s > _SILENT_S:
                told_s = time.monotonic()
                yield _events_of(news) or ": nothing new\n\n"
            await asyncio.sleep(EVERY_S)

    def _news(self, telling: Telling) -> list[Message]:
        """Look at the run, once a second for all pages together, and tell one of them."""
        with self._reading:
            self._look()
            return list(telling.news())

    def _look(self) -> None:
        now_s = time.monotonic()
        if now_s - self._read_s >= EVERY_S / 2:
            self._run.look(now_s)
            self._read_s = now_s

    async def _stop(self, _: Request) -> Response:
        refused = await asyncio.to_thread(self._stopped)
        if refused:
            return PlainTextResponse(f"{refused}\n", status_code=409, headers=HEADERS)
        return PlainTextResponse("the run was asked to stop\n", status_code=202, headers=HEADERS)

    def _stopped(self) -> str:
        with self._reading:
            self._run.look(time.monotonic())
            return stop(self._state, self._run)

    async def _report(self, request: Request) -> Response:
        run_id = request.path_params["run_id"]
        path = self._state.reports(run_id) / "report.html"
        try:
            if not _RUN_ID.fullmatch(run_id):
                raise FileNotFoundError(run_id)
            text = await asyncio.to_thread(path.read_bytes)
        except OSError:
            return PlainTextResponse("there is no such report\n", status_code=404, headers=HEADERS)
        return Response(text, media_type="text/html", headers=HEADERS)


def _events_of(news: Iterable[Message]) -> str:
    lines = (json.dumps(message, separators=(",", ":"), allow_nan=False) for message in news)
    return "".join(f"data: {line}\n\n" for line in lines)
