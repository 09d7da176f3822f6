"""Serve the reports of a state folder on this machine, so that a link in Dagster's UI opens one.

Only files of reports are served, only to requests that name this machine (so a page of another site
can't use DNS rebinding), and nothing is listed.
Add here: another kind of file of a report. Keep out: anything that changes a file.
"""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote, urlsplit

from perf_pipeline.stack.service import LOOPBACK

_TYPES: Final = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".md": "text/markdown; charset=utf-8",
        ".json": "application/json",
        ".xml": "application/xml",
        ".csv": "text/csv; charset=utf-8",
    }
)
_POLL_S: Final = 0.2


@contextmanager
def served_reports(folder: Path, port: int) -> Iterator[str]:
    """Serve until the block ends, and yield the address.

    Args:
        folder: the folder of all reports; it may come later.
        port: on 127.0.0.1; any other one where it is taken.
    """
    handler = _handler_of(folder.resolve())
    try:
        server = ThreadingHTTPServer((LOOPBACK, port), handler)
    except (OSError, OverflowError):
        server = ThreadingHTTPServer((LOOPBACK, 0), handler)
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(_POLL_S,), daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def report_file(folder: Path, target: str) -> Path | None:
    """Return the file that is meant by a request; None where it is no file of a report.

    Args:
        folder: the folder of all reports, resolved.
        target: the target of the request, such as `/RUN/report.html?x`.
    """
    try:
        wanted = (folder / unquote(urlsplit(target).path).lstrip("/")).resolve()
        is_ours = wanted.is_relative_to(folder) and wanted.suffix in _TYPES and wanted.is_file()
    except (OSError, ValueError):
        return None
    return wanted if is_ours else None


def _handler_of(folder: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answer GET with a report."""

        timeout = 10

        def do_GET(self) -> None:
            """Give out a file, or nothing."""
            assert isinstance(self.server, socketserver.TCPServer)
            port = self.server.server_address[1]
            if self.headers.get("Host") not in {f"{LOOPBACK}:{port}", f"localhost:{port}"}:
                self.send_error(HTTPStatus.FORBIDDEN, "ask for 127.0.0.1")
            elif (found := report_file(folder, self.path)) is None:
                self.send_error(HTTPStatus.NOT_FOUND, "no such report")
            else:
                content = found.read_bytes()
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", _TYPES[found.suffix])
                self.send_header("Content-Length", str(len(content)))
                self.send_header("X-Content-Type-Options", "nosniff")
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Write nothing: the terminal belongs to who serves."""

    return Handler
