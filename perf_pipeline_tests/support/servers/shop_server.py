"""A shop on Starlette that tests of own scenarios visit; it remembers requests.

Run as a program on uvicorn and h11, with the certificate's folder for TLS, or with `http2` behind
it on hypercorn, which offers HTTP/2, too; it prints its port. Add here: something
that scenarios must cope with. Keep out: misbehaviour at the level of bytes (http_target.py).
"""

import asyncio
import contextlib
import gzip
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from perf_pipeline_tests.support.commands.forked import started

HOST = "127.0.0.1"
_MODULE = "perf_pipeline_tests.support.servers.shop_server"
ANY = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
SEEN: list[dict[str, Any]] = []


async def echo(request: Request) -> Response:
    """Answer with the request as it arrived."""
    return JSONResponse(
        {
            "method": request.method,
            "path": request.url.path,
            "query": list(map(list, request.query_params.multi_items())),
            "headers": dict(request.headers),
            "cookies": request.cookies,
            "body": (await request.body()).decode(),
        },
        headers={"X-Echo": "1"},
    )


async def login(request: Request) -> Response:
    """Set a session's cookie, and two that must not come back to /echo."""
    await request.body()  # hypercorn 0.18 breaks off where a body's end comes after the answer
    response = JSONResponse({"token": "t-1", "user": {"id": 7, "tags": ["a", "b"]}, "ok": True})
    response.set_cookie("session", "s-1", path="/")
    response.set_cookie("elsewhere", "x", path="/other")
    response.headers.append("Set-Cookie", "foreign=x; Domain=example.org; Path=/")
    return response


async def logout(_: Request) -> Response:
    """Delete the session's cookie."""
    response = JSONResponse({})
    response.delete_cookie("session", path="/")
    return response


async def redirect(request: Request) -> Response:
    """Send on to the URL of the query with the path's status."""
    return RedirectResponse(request.query_params["to"], int(request.path_params["status"]))


async def loop(_: Request) -> Response:
    """Send on to itself for ever."""
    return RedirectResponse("/loop", 302)


async def status(request: Request) -> Response:
    """Answer with the path's status."""
    return JSONResponse({}, int(request.path_params["status"]))


async def delay(request: Request) -> Response:
    """Answer after the path's milliseconds."""
    await asyncio.sleep(int(request.path_params["ms"]) / 1_000)
    return JSONResponse({})


async def packed(_: Request) -> Response:
    """Answer in gzip."""
    return Response(gzip.compress(b'{"packed": 1}'), headers={"Content-Encoding": "gzip"})


async def seen(_: Request) -> Response:
    """Tell and forget all requests but these."""
    told = list(SEEN)
    SEEN.clear()
    return JSONResponse(told)


class Remembering:
    """Remember method and target of every request (ASGI)."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] != "/seen":
            target = scope["raw_path"].decode() + ("?" if scope["query_string"] else "")
            SEEN.append(
                {
                    "method": scope["method"],
                    "target": target + scope["query_string"].decode(),
                    "version": scope["http_version"],
                }
            )
        await self._app(scope, receive, send)


def main() -> None:
    """Serve on a free port until killed."""
    routes = [
        Route("/echo", echo, methods=ANY),
        Route("/echo/{rest:path}", echo, methods=ANY),
        Route("/login", login, methods=ANY),
        Route("/logout", logout, methods=ANY),
        Route("/redirect/{status}", redirect, methods=ANY),
        Route("/loop", loop),
        Route("/status/{status}", status, methods=ANY),
        Route("/delay/{ms}", delay),
        Route("/packed", packed),
        Route("/health", status_200),
        Route("/seen", seen),
    ]
    app = Remembering(Starlette(routes=routes))
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with socket.create_server((HOST, 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        if folder and sys.argv[2:] == ["http2"]:
            _serve_http2(app, listener, folder)
            return
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            ssl_certfile=folder / "cert.pem" if folder else None,
            ssl_keyfile=folder / "key.pem" if folder else None,
        )
        uvicorn.Server(config).run(sockets=[listener])


def _serve_http2(app: Any, listener: socket.socket, folder: Path) -> None:
    # Not above: this module is imported by tests that never need it.
    import hypercorn  # noqa: PLC0415
    from hypercorn.asyncio import serve  # noqa: PLC0415

    config = hypercorn.Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.certfile, config.keyfile = str(folder / "cert.pem"), str(folder / "key.pem")
    asyncio.run(serve(app, config))


async def status_200(_: Request) -> Response:
    """Be healthy."""
    return JSONResponse({})


@contextlib.contextmanager
def running_shop(
    certificates: Path | None = None,
    *,
    http2: bool = False,
    start: Callable[..., "subprocess.Popen[Any]"] = started,
) -> Iterator[int]:
    """Run the shop in a process of its own; give its port.

    Args:
        certificates: the folder of those that it shows; without one it speaks without TLS.
        http2: it offers HTTP/2 as well.
        start: starts the process.
    """
    command = [sys.executable, "-m", _MODULE, *([str(certificates)] if certificates else [])]
    command += ["http2"] if http2 else []
    with start(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield int(server.stdout.readline())
        finally:
            server.kill()


if __name__ == "__main__":
    main()
