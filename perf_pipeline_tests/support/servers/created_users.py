"""An API that creates every user that it is asked for, of a system without any other part.

Add here: what else such an API answers. Keep out: an API that keeps its users (users_server.py).
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from perf_pipeline_tests.support.servers.serving import QuietHandler, serving


class CreatedUsers(QuietHandler):
    """Create every user that is asked for, and be healthy."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Say that all is well."""
        self._answer(200, {})

    def do_POST(self) -> None:
        """Give the user back with an id."""
        user = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self._answer(201, {**user, "id": user["email"]})

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def api_alone() -> Iterator[dict[str, str]]:
    """Serve it until the block ends; give the environment that points a run at it."""
    with serving(CreatedUsers) as base_url:
        yield {"PERF_BASE_URL": base_url}
