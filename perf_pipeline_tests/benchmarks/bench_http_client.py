"""Measure what a request costs the HTTP load transport: µs of its own CPU, requests/s.

50 users in a closed loop POST 150 bytes to a server process on the other core that answers a
constant. Run by hand: `python perf_pipeline_tests/benchmarks/bench_http_client.py`. Add here:
another client to compare. Keep out: assertions; the machine decides the figures.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

import uvloop

from perf_pipeline.workloads.http.client import HttpConnection
from perf_pipeline.workloads.http.origin import HttpOrigin, header_block

USERS: Final = 50
SECONDS: Final = 3.0
ROUNDS: Final = 3
BODY: Final = b"x" * 150
ANSWER: Final = (
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n"
    + b"y" * 40
)
LOOPS: Final[dict[str, Callable[[], asyncio.AbstractEventLoop]]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


class Server(asyncio.Protocol):
    """Answer every segment, which holds one whole request, with a constant."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = transport.write  # type: ignore[attr-defined]  # a TCP transport's

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 (a constant is the answer)
        self._write(ANSWER)


async def serve() -> None:
    """Serve until killed; print the port."""
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def user(origin: HttpOrigin, headers: bytes, until: float) -> int:
    """Send requests until that moment; give their number."""
    connection = HttpConnection(origin)
    count = 0
    while time.monotonic() < until:
        result = await connection.request(
            "POST", "/user", headers=headers, body=BODY, timeout_us=10_000_000
        )
        assert result.status == 201, result
        count += 1
    connection.close()
    return count


async def load(port: int) -> tuple[float, float]:
    """Give µs of CPU per request, and requests per second."""
    origin = HttpOrigin.parse(f"http://127.0.0.1:{port}")
    headers = header_block({"Accept": "application/json", "Content-Type": "application/json"})
    cpu_s, began = time.process_time(), time.monotonic()
    users = (user(origin, headers, began + SECONDS) for _ in range(USERS))
    count = sum(await asyncio.gather(*users))
    return (
        (time.process_time() - cpu_s) * 1e6 / count,
        count / (time.monotonic() - began),
    )


def main() -> None:
    """Print a table: one row per event loop, medians of interleaved rounds."""
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in LOOPS}
        for _ in range(ROUNDS):
            for name, factory in LOOPS.items():
                with asyncio.Runner(loop_factory=factory) as runner:
                    rounds[name].append(runner.run(load(port)))
        server.kill()
    print("loop      µs CPU/request   requests/s")
    for name, figures in rounds.items():
        cpu_us, per_s = (statistics.median(column) for column in zip(*figures, strict=True))
        print(f"{name:9} {cpu_us:14.1f} {per_s:12,.0f}")


if __name__ == "__main__":
    uvloop.run(serve()) if "--serve" in sys.argv else main()
