"""A token endpoint as OAuth 2.0 has it (RFC 6749, 4.4), with tokens that nobody signed.

Add here: another answer of an endpoint. Keep out: who shows the tokens to whom.
"""

import json
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs

from perf_pipeline_tests.support.servers.serving import QuietHandler, serving


@contextmanager
def token_server(client: str, secret: str) -> Iterator[str]:
    """Return tokens to this client only, with what it asked for as scope; yield the URL."""

    class _Tokens(QuietHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            asked = parse_qs(self.rfile.read(size).decode())
            told = b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
            is_right = told == f"{client}:{secret}"
            is_right = is_right and asked["grant_type"] == ["client_credentials"]
            body = {"access_token": _token(client), "token_type": "bearer", "expires_in": 300}
            answer = json.dumps(body if is_right else {"error": "invalid_client"}).encode()
            self.send_response(200 if is_right else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    with serving(_Tokens) as url:
        yield f"{url}/token"


def _token(subject: str) -> str:
    now_s = time.time()  # noqa: TID251 - a token's claims are wall clock (RFC 7519, 4.1.4)
    claims = {"sub": subject, "iat": now_s, "exp": now_s + 300}
    header, payload = (
        urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "none"}, claims)
    )
    return f"{header}.{payload}."
