"""Bodies of a gigabyte: read, counted and timed to their end in memory that does not grow."""

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from perf_pipeline.config.own_scenarios import Trust
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.stack.health import require_health
from perf_pipeline.workloads.http.client import HttpConnection
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.over_httpx import HttpxConnection
from perf_pipeline.workloads.http.result import HttpResult

MIB = 1 << 20
_PIECE = bytes(MIB)
_CHUNK = b"%x\r\n%b\r\n" % (MIB, _PIECE)
_LENGTH = b"Content-Length: %d\r\n\r\n"
# kind: (size of the body in MiB, head)
_KINDS = {
    "length": (1_024, b"HTTP/1.1 200 OK\r\n" + _LENGTH % (1_024 * MIB)),
    "chunked": (256, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "until-close": (256, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
    "gzip": (256, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n" + _LENGTH % (256 * MIB)),
    "error": (1_024, b"HTTP/1.1 503 Unavailable\r\n" + _LENGTH % (1_024 * MIB)),
}


@contextmanager
def serving(kind: str) -> Iterator[str]:
    """Answer one request with a large body."""
    size_mib, head = _KINDS[kind]
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                try:
                    connection.sendall(head)
                    for _ in range(size_mib):
                        connection.sendall(_CHUNK if kind == "chunked" else _PIECE)
                    if kind == "chunked":
                        connection.sendall(b"0\r\n\r\n")
                except OSError:
                    pass  # whoever asked had enough

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def growth_mib() -> Iterator[list[float]]:
    """Give how far this process's memory rose at most inside the block."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the former peak
    before_kib, found = _memory_kib("VmRSS"), list[float]()
    yield found
    found.append((_memory_kib("VmHWM") - before_kib) / 1_024)


def _memory_kib(name: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (kib,) = re.findall(rf"{name}:\s+(\d+) kB", status)
    return int(kib)


async def asked(url: str, *, over_httpx: bool = False) -> HttpResult:
    origin = HttpOrigin.parse(url)
    plain = HttpxConnection(origin, None, http2=False)
    connection = plain if over_httpx else HttpConnection(origin)
    request = f"GET / HTTP/1.1\r\nHost: {origin.authority}\r\n\r\n".encode()
    result = await connection.send(request, timeout_us=60_000_000)
    connection.close()
    await asyncio.sleep(0.01)
    return result


@pytest.mark.parametrize(
    ("kind", "over_httpx"),
    [
        ("length", False),
        ("chunked", False),
        ("until-close", False),
        ("gzip", False),
        ("chunked", True),
    ],
)
def test_a_large_body_is_read_to_its_end_in_little_memory(kind: str, over_httpx: bool) -> None:
    with serving(kind) as url, growth_mib() as growth:
        result = asyncio.run(asked(url, over_httpx=over_httpx))

    assert (result.status, result.error, result.is_cut, result.body) == (200, "", True, b"")
    assert result.bytes_in >= _KINDS[kind][0] * MIB
    # 16 MiB are kept until it is known that there is more.
    assert growth[0] < 64


def test_a_health_check_does_not_read_what_follows_the_head() -> None:
    with growth_mib() as growth:
        with serving("length") as url:
            require_health(url, Trust())
        with serving("error") as url, pytest.raises(TargetUnavailableError, match="answered 503"):
            require_health(url, Trust())

    assert growth[0] < 64


def test_a_body_that_comes_byte_by_byte_takes_about_its_size_in_memory() -> None:
    """4 MiB in chunks of two bytes: as objects of their own they would take 80 MiB and more."""
    pieces = 2 * MIB
    body = b"2\r\nab\r\n" * pieces + b"0\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as server, growth_mib() as growth:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(_KINDS["chunked"][1])
                connection.sendall(body)

        threading.Thread(target=serve, daemon=True).start()
        result = asyncio.run(asked(f"http://127.0.0.1:{server.getsockname()[1]}"))

    assert len(result.body) == 2 * pieces
    assert growth[0] < 48
