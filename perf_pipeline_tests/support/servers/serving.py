"""Serve with a handler of the standard library, in a thread each request, until a block ends.

Add here: what every handler of a test needs. Keep out: handlers with answers; those are a test's
own, or a module of this folder.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_POLL_S = 0.05


class QuietHandler(BaseHTTPRequestHandler):
    """Answer without a line on standard error for each request."""

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on a free port of 127.0.0.1; give the base URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serve = threading.Thread(target=server.serve_forever, args=(_POLL_S,), daemon=True)
        serve.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serve.join()
