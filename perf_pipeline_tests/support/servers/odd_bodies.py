"""A server whose bodies and values are odd: compressed wrongly, half a character, huge, empty.

Add here: another body. Keep out: what is expected of a client that reads it.
"""

import gzip
import sys
from contextlib import AbstractContextManager
from typing import ClassVar

import brotli

from perf_pipeline_tests.support.servers.serving import QuietHandler, serving

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DEEP = b"[" * 100_000 + b"]" * 100_000
BODIES: dict[str, tuple[bytes, dict[str, str]]] = {
    "gzip": (gzip.compress(b'{"id": 7}'), {"Content-Encoding": "gzip"}),
    "no-gzip": (b'{"id": 7}', {"Content-Encoding": "gzip"}),
    "bomb": (gzip.compress(bytes(50_000_000)), {"Content-Encoding": "gzip"}),
    "br": (brotli.compress(b'{"id": 7}'), {"Content-Encoding": "br"}),
    "zstd": (zstd.compress(b'{"id": 7}'), {"Content-Encoding": "zstd"}),
    "no-br": (b"x", {"Content-Encoding": "br"}),
    "no-coding": (b"x", {"Content-Encoding": "compress"}),
    "latin-1": ('{"id": "é"}'.encode("latin-1"), {"Content-Type": "text/json;charset=latin1"}),
    "bom": (b"\xef\xbb\xbf" + b'{"id": 7}', {}),
    "hex": (b'{"id": 7}', {"Content-Type": "text/plain; charset=hex"}),
    "surrogate": (b'{"id": "\\ud83d"}', {}),
    "nested-surrogate": (b'{"id": {"a": ["\\ud83d"]}}', {}),
    "nan": (b'{"id": NaN}', {}),
    "infinite": (b'{"id": 1e999}', {}),
    "digits": (b'{"id": ' + b"1" * 5_000 + b"}", {}),
    "deep": (b'{"id": ' + DEEP + b"}", {}),
    "not-utf-8": (b'{"id": "\xff"}', {}),
    "empty": (b"", {}),
    "list": (b"[]", {}),
    "null": (b"null", {}),
    "no-id": (b'{"error": "try later"}', {}),
    "text-id": (b'{"id": "seven"}', {}),
    "lines": (b'{"id": "a\\r\\nX-Injected: 1"}', {}),
    "cookie": (b'{"id": 7}', {"Set-Cookie": "a=1; Max-Age=--5; Expires=Fri, 01 Jan " + "9" * 20}),
}


class OddBodies(QuietHandler):
    """Answer /NAME with the body of that name, and everything else with an empty object.

    Attributes:
        paths: what was asked for, and the cookie that came with it.
    """

    protocol_version = "HTTP/1.1"
    paths: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer."""
        name = self.path.removeprefix("/")
        self.paths.append(f"{self.path} {self.headers.get('Cookie', '')}".strip())
        body, headers = BODIES.get(name, (b"{}", {}))
        if name == "moved":
            self.send_response(302)
            headers = {"Location": "/café".encode().decode("latin-1"), "Set-Cookie": "sid=1"}
        else:
            self.send_response(200)
        for pair in headers.items():
            self.send_header(*pair)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def odd_bodies() -> AbstractContextManager[str]:
    """Serve until the block ends; give the base URL."""
    OddBodies.paths.clear()
    return serving(OddBodies)
