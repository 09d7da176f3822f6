"""A stranger's API: it knows its own paths only, has no /health, and remembers who asked for what.

Add here: an answer that a stranger's system gives. Keep out: misbehaviour at the level of bytes
(http_target.py).
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from perf_pipeline_tests.support.servers.serving import QuietHandler, serving


@dataclass(slots=True)
class Stranger:
    """Hold a running server.

    Attributes:
        base_url: where it listens.
        asked: how often it was asked, by method and path.
    """

    base_url: str
    asked: Counter[str] = field(default_factory=Counter)


class _Handler(QuietHandler):
    """Answer GET /orders with 200, /ready with 204, what lies below /private with 403."""

    protocol_version = "HTTP/1.1"
    answers: ClassVar[dict[str, int]] = {"/orders": 200, "/ready": 204, "/private": 403}
    stranger: ClassVar[Stranger]

    def do_GET(self) -> None:
        """Answer by the path; 404 where it is not known."""
        self._answer(self.answers.get(self.path, 404))

    def do_POST(self) -> None:
        """Take an order, and know nothing of users."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(201 if self.path == "/orders" else self.answers.get(self.path, 404))

    def _answer(self, status: int) -> None:
        self.stranger.asked[f"{self.command} {self.path}"] += 1
        body = b"" if status == 204 else b'{"id": 1, "state": "open"}'
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def running_stranger() -> Iterator[Stranger]:
    """Run one in threads of this process."""

    class Bound(_Handler):
        """Remember for this server alone."""

    with serving(Bound) as base_url:
        Bound.stranger = Stranger(base_url)
        yield Bound.stranger
