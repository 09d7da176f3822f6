"""The pages: all runs, the report of each, and two over one another; and the way in.

Add here: a page. Keep out: who may look (door.py), and what pages look like (report/).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from perf_pipeline.browsing.door import Door
from perf_pipeline.browsing.shown_history import ShownHistory
from perf_pipeline.errors import PerfPipelineError, RequestError
from perf_pipeline.following.guard import HEADERS
from perf_pipeline.judging.contrast import contrast
from perf_pipeline.judging.listing import listed_runs
from perf_pipeline.judging.overlay import overlay
from perf_pipeline.judging.publish import report_of
from perf_pipeline.report.html import render_html
from perf_pipeline.report.overlay import render_overlay
from perf_pipeline.report.runs_page import render_door, render_runs

_MOST_RUNS: Final = 500
_MOST_KEPT: Final = 30
_LONGEST_FORM: Final = 4_096
_MONTH_S: Final = 30 * 86_400

Make = Callable[[], str]


class BrowsingServer:
    """Answer for one history.

    Args:
        shown: the history.
        door: who may look.
        where: names the history for people.
    """

    def __init__(self, shown: ShownHistory, door: Door, where: str) -> None:
        self._shown = shown
        self._door = door
        self._where = where
        self._made: dict[tuple[object, ...], str] = {}

    def app(self) -> Starlette:
        """Return the application."""
        return Starlette(
            routes=[
                Route("/", self._guarded(self._runs)),
                Route("/runs/{run_id}", self._guarded(self._report)),
                Route("/compare", self._guarded(self._compare)),
                Route("/enter", self._at_home(self._enter), methods=["POST"]),
                Route("/enter/{token}", self._at_home(self._enter_by_address)),
            ]
        )

    def _at_home(
        self, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            if not self._door.knows_host(request.headers.get("host", "")):
                return _plain("these pages are served at another address", 403)
            return await answer(request)

        return guarded

    def _guarded(
        self, answer: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def inside(request: Request) -> Response:
            if not self._door.opens(request.headers, request.cookies):
                up = "../" * (request.url.path.strip("/").count("/"))
                return _page(render_door(f"{up}enter"), 401)
            return await answer(request)

        return self._at_home(inside)

    async def _enter(self, request: Request) -> Response:
        text = b""
        async for piece in request.stream():
            text += piece
            if len(text) > _LONGEST_FORM:
                return _plain("this is not the token", 403)
        given = parse_qs(text.decode("utf-8", "replace")).get("token", [""])[0]
        return self._entered(given, "./", "enter")

    async def _enter_by_address(self, request: Request) -> Response:
        return self._entered(request.path_params["token"], "../", "../enter")

    def _entered(self, given: str, then: str, form: str) -> Response:
        if not self._door.fits(given):
            return _page(render_door(form, is_wrong=True), 403)
        answer = RedirectResponse(then, status_code=303, headers=HEADERS)
        answer.set_cookie(
            self._door.cookie_name,
            self._door.cookie,
            max_age=_MONTH_S,
            secure=self._door.is_encrypted,
            httponly=True,
            samesite="strict",
        )
        return answer

    async def _runs(self, _: Request) -> Response:
        return await self._answer(("runs",), self._runs_page)

    def _runs_page(self) -> str:
        runs = listed_runs(self._shown.state, _MOST_RUNS)
        return render_runs(self._where, [run.row for run in runs], self._shown.trouble)

    async def _report(self, request: Request) -> Response:
        run_id = request.path_params["run_id"]
        return await self._answer(
            ("report", run_id), lambda: render_html(report_of(self._shown.state, run_id))
        )

    async def _compare(self, request: Request) -> Response:
        first, second = (request.query_params.get(name, "") for name in ("a", "b"))
        return await self._answer(("compare", first, second), lambda: self._compared(first, second))

    def _compared(self, first: str, second: str) -> str:
        return render_overlay(
            overlay(self._shown.state, contrast(self._shown.state, first, second))
        )

    async def _answer(self, what: tuple[str, ...], make: Make) -> Response:
        try:
            return _page(await asyncio.to_thread(self._kept, what, make), 200)
        except RequestError as error:
            return _plain(str(error), 404)
        except PerfPipelineError as error:
            return _plain(str(error), 503)

    def _kept(self, what: tuple[str, ...], make: Make) -> str:
        """Make a page of what the history is now, or return it as it was made of the same."""
        with self._shown.reading:
            self._shown.renew()
            key = (*what, self._shown.version, self._shown.trouble)
            if key not in self._made:
                text = make()
                while len(self._made) >= _MOST_KEPT:
                    del self._made[next(iter(self._made))]
                self._made[key] = text
            return self._made[key]


def _page(text: str, status: int) -> Response:
    return Response(text, status_code=status, media_type="text/html", headers=HEADERS)


def _plain(sentence: str, status: int) -> Response:
    return PlainTextResponse(f"{sentence}\n", status_code=status, headers=HEADERS)
