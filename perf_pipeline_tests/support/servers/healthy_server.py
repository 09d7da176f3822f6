"""An API that is well and can do nothing else: a target without a database, brokers and a cache.

Add here: nothing; a target that does something is another server.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Well(BaseHTTPRequestHandler):
    """Answer every GET with 200 and no body."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Be well."""
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be silent."""


@contextmanager
def healthy_api() -> Iterator[str]:
    """Give the address of an API that is well."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Well) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
