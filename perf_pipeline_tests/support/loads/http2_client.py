"""Certificates for servers that tests run, and requests over HTTP/2 as one user makes them.

Add here: what several tests of HTTP/2 do before they look. Keep out: assertions.
"""

import asyncio
import ssl
import subprocess
from pathlib import Path
from typing import Final

from perf_pipeline.workloads.http.client import HttpConnection
from perf_pipeline.workloads.http.http2 import Http2Wire
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline_tests.support.loads.http_loops import ENOUGH_US

MOST_BODY_BYTES: Final = 1_000_000
_COMMANDS: Final = """
req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test-ca
req -newkey rsa:2048 -nodes -keyout key.pem -out csr.pem -subj /CN=localhost -addext {names}
x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out cert.pem {copied}
""".format(names="subjectAltName=DNS:localhost", copied="-copy_extensions copy")


def new_certificates(folder: Path) -> Path:
    """Write an authority's certificate (ca.pem), and what it signed for localhost."""
    for command in _COMMANDS.strip().splitlines():
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    return folder


def serving_tls(folder: Path, *protocols: str) -> ssl.SSLContext:
    """Give a server's TLS, which chooses among these protocols by ALPN."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def http2_connection(base_url: str, folder: Path) -> HttpConnection:
    """Give one user's connection; a megabyte of body is the limit."""
    trusted = ssl.create_default_context(cafile=folder / "ca.pem")
    trusted.set_alpn_protocols(["h2", "http/1.1"])
    return HttpConnection(
        HttpOrigin.parse(base_url),
        tls=trusted,
        max_body_bytes=MOST_BODY_BYTES,
        make_wire=Http2Wire,
    )


async def ask(
    connection: HttpConnection,
    *paths: str,
    method: str = "GET",
    body: bytes = b"",
    timeout_us: int = ENOUGH_US,
    pause_s: float = 0.0,
) -> list[HttpResult]:
    """Request the paths one after the other, with pauses between; close the connection."""
    results = []
    try:
        for path in paths:
            results.append(await connection.request(method, path, body=body, timeout_us=timeout_us))
            await asyncio.sleep(pause_s)
    finally:
        connection.close()
        await asyncio.sleep(0.05)
    return results
