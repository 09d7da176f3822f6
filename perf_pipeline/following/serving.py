"""Serve the page on this machine until somebody ends it, or until the run is over.

Add here: another option for serving it. Keep out: what is served (server.py).
"""

import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Final

import uvicorn
from starlette.applications import Starlette

from perf_pipeline.errors import RequestError
from perf_pipeline.following.announcement import announced
from perf_pipeline.following.server import FollowServer
from perf_pipeline.stack.signals import ending_signals
from perf_pipeline.store.state import State

LOOPBACK: Final = "127.0.0.1"
# Long enough for a page to be told the verdict and to take over the report.
_AFTER_END_S: Final = 5.0
_LOOK_S: Final = 1.0
_GRACE_S: Final = 1


def serve(
    state: State,
    port: int,
    *,
    on_ready: Callable[[str], None],
    until_over: Callable[[], bool] = lambda: False,
) -> None:
    """Serve the page until SIGINT or SIGTERM, or until the run that is followed is over.

    To be called in the main thread.

    Args:
        state: folder whose runs are followed.
        port: the port on 127.0.0.1; 0 for any that is free.
        on_ready: is called with the page's address when it is served.
        until_over: says whether the process that started the run has ended.

    Raises:
        RequestError: the port is taken, or may not be used.
    """
    socket_here = listener(port)
    actual: int = socket_here.getsockname()[1]
    token = secrets.token_urlsafe(18)
    following = FollowServer(state, token, actual)
    address = f"http://{LOOPBACK}:{actual}/{token}/"
    server = _Server(quiet_config(following.app()), following, lambda: on_ready(address))
    watching = threading.Thread(target=_end_after, args=(server, until_over), daemon=True)
    watching.start()
    with socket_here, closing(following), announced(state, address):
        server.run(sockets=[socket_here])


def quiet_config(app: Starlette) -> uvicorn.Config:
    """Return how pages are served here: nothing is logged, as addresses may hold a token."""
    return uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )


class PageServer(uvicorn.Server):
    """Tell when it serves, and end at the first signal.

    Ctrl-C is how people end it, and no error: uvicorn would raise the signal again afterwards.

    Args:
        config: the configuration of `quiet_config`.
        on_ready: is called when it serves.
    """

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End at a signal while the block runs."""
        before = {number: signal.signal(number, self.handle_exit) for number in ending_signals()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and say so."""
        await super().startup(sockets)
        self._on_ready()


class _Server(PageServer):
    """End the events of the pages before it waits for them."""

    def __init__(
        self, config: uvicorn.Config, following: FollowServer, on_ready: Callable[[], None]
    ) -> None:
        super().__init__(config, on_ready)
        self._following = following

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._following.is_ending.set()
        await super().shutdown(sockets)


def _end_after(server: _Server, until_over: Callable[[], bool]) -> None:
    while not until_over():
        time.sleep(_LOOK_S)
    until_s = time.monotonic() + _AFTER_END_S
    while time.monotonic() < until_s and server.server_state.connections:
        time.sleep(_LOOK_S)
    server.should_exit = True


def listener(port: int) -> socket.socket:
    """Return a socket that listens on a port of this machine; 0 for any that is free.

    Raises:
        RequestError: the port is taken, or may not be used.
    """
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((LOOPBACK, port))
    except OSError as error:
        opened.close()
        raise RequestError(
            f"{LOOPBACK}:{port} can't be listened on: {error.strerror}",
            hint="give another --port, or --port 0 for any that is free",
        ) from error
    return opened
