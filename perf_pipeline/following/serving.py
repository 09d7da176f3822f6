"""Serve the page on this machine until somebody ends it, or until the run is over.

Add here: a wish about how it is served. Keep out: what is served (server.py).
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
        port: of 127.0.0.1; 0 for any that is free.
        on_ready: is told the page's address when it is served.
        until_over: says whether whoever started the run has ended.

    Raises:
        RequestError: the port is taken, or may not be used.
    """
    listener = _listener(port)
    actual: int = listener.getsockname()[1]
    token = secrets.token_urlsafe(18)
    following = FollowServer(state, token, actual)
    address = f"http://{LOOPBACK}:{actual}/{token}/"
    config = uvicorn.Config(
        following.app(),
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
    server = _Server(config, following, lambda: on_ready(address))
    watching = threading.Thread(target=_end_after, args=(server, until_over), daemon=True)
    watching.start()
    with listener, closing(following), announced(state, address):
        server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """Tell when it serves, and end the events of its pages before it waits for them.

    Ctrl-C is how people end it, and no error: uvicorn would raise the signal again afterwards.
    """

    def __init__(
        self, config: uvicorn.Config, following: FollowServer, on_ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._following = following
        self._on_ready = on_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in ending_signals()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

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


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise RequestError(
            f"{LOOPBACK}:{port} can't be listened on: {error.strerror}",
            hint="give another --port, or --port 0 for any that is free",
        ) from error
    return listener
