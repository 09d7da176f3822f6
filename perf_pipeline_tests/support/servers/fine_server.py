"""A server that answers every request at once with 200, for tests of what goes on around a load.

Add here: nothing. Keep out: answers that differ (http_target.py, failing_target.py).
"""

from contextlib import AbstractContextManager

from perf_pipeline_tests.support.servers.serving import QuietHandler, serving


class _Fine(QuietHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")


def fine_server() -> AbstractContextManager[str]:
    """Serve until the block ends; give the base URL."""
    return serving(_Fine)
