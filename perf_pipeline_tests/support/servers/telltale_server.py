"""A target that repeats what it is told: headers and body in its answer, its error, its Location.

Add here: another place in which a target may repeat a secret. Keep out: what scenarios need
(shop_server.py).
"""

import base64
import html
import json
from contextlib import AbstractContextManager
from urllib.parse import quote, quote_plus

from perf_pipeline_tests.support.servers.serving import QuietHandler, serving


class _Telltale(QuietHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length).decode()
        told = {"headers": dict(self.headers), "body": body, "path": self.path}
        text = json.dumps(told, ensure_ascii=False).encode()
        moved = self.path.startswith("/moved")
        self.send_response(302 if moved else 401 if self.path.startswith("/refused") else 200)
        if moved:
            self.send_header("Location", f"/refused?token={quote(str(told['headers']))}")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def running_telltale() -> AbstractContextManager[str]:
    """Serve until the block ends; give the base URL."""
    return serving(_Telltale)


def spellings(secret: str) -> dict[str, bytes]:
    """Write a secret in the ways in which a person would look for it."""
    texts = {
        "raw": secret,
        "percent-encoded": quote(secret, safe=""),
        "percent-encoded path": quote(secret),
        "form": quote_plus(secret),
        "repr": repr(secret)[1:-1],
        "ascii": ascii(secret)[1:-1],
        "JSON": json.dumps(secret)[1:-1],
        "JSON, UTF-8": json.dumps(secret, ensure_ascii=False)[1:-1],
        "HTML": html.escape(secret),
        "base64": base64.b64encode(secret.encode()).decode().rstrip("="),
    }
    return {name: text.encode() for name, text in texts.items()}
