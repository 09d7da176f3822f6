"""Each client of the product, as the product uses it: checked first, then connected.

For `packets.py`, which runs them in a network of their own. Add here: another client.
Keep out: tricks, assertions, the network.
"""

import asyncio
import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.config.loading import load_profile
from perf_pipeline.config.own_scenarios import Trust
from perf_pipeline.config.safety import found_addresses
from perf_pipeline.config.target import Target
from perf_pipeline.loading.prepare import find_target
from perf_pipeline.probes.docker import DockerProbe
from perf_pipeline.probes.kafka import LagProbe
from perf_pipeline.probes.postgres import PostgresProbe
from perf_pipeline.probes.redis import RedisProbe
from perf_pipeline.stack.health import require_health
from perf_pipeline.stack.link_proxy import LinkProxy, Route
from perf_pipeline.stack.postgres import postgres_answers
from perf_pipeline.stack.redis import redis_answers
from perf_pipeline.workloads.http.client import HttpConnection
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.over_httpx import HttpxConnection
from perf_pipeline.workloads.postgres.statement import PreparedConnection
from perf_pipeline.workloads.python.scenario import PythonScenario
from perf_pipeline.workloads.steps.scenario import HttpSteps
from perf_pipeline_tests.support.elsewhere.brokers import listener, sends_elsewhere
from perf_pipeline_tests.support.loads.http_worker import an_iteration, context, run

_TIMEOUT_US: Final = 500_000
_SETTLE_S: Final = 0.05  # librdkafka connects in threads of its own
FOLDER: Final = Path(__file__).parent


def _target(trick: Mapping[str, Any]) -> Target:
    """Check the target, and move the names elsewhere afterwards, where the trick is that."""
    target = find_target(load_profile("quick"), os.environ)
    if "hosts_after" in trick:
        Path("/etc/hosts").write_text(trick["hosts_after"], encoding="ascii")
    return target


def _http(trick: Mapping[str, Any]) -> str:
    target = _target(trick)
    origin = HttpOrigin.parse(target.base_url or "", target.allowed)
    tls = ssl.create_default_context() if origin.is_tls else None
    makers: tuple[Callable[[], Any], ...] = (
        lambda: HttpConnection(origin, tls=tls),
        lambda: HttpxConnection(origin, tls, http2=False),
    )
    told = [asyncio.run(_sent(make, origin)) for make in makers]
    try:
        require_health(target.base_url or "", Trust(), found_addresses(target))
    except Exception as error:  # noqa: BLE001 - told beside the others
        told.append(f"{type(error).__name__}: {error}")
    return "; ".join(told)


async def _sent(make: Callable[[], Any], origin: HttpOrigin) -> str:
    connection = make()
    result = await connection.send(origin.encode("GET", "/", b"", b""), timeout_us=_TIMEOUT_US)
    connection.close()
    await asyncio.sleep(0)
    return str(result.error)


def _postgres(trick: Mapping[str, Any]) -> str:
    dsn = _target(trick).postgres_dsn or ""
    postgres_answers(dsn)
    told: list[str] = []
    for connect in (
        lambda: PostgresProbe(dsn).open(),
        lambda: asyncio.run(PreparedConnection.open(dsn, "select 1")),
    ):
        try:
            connect()
        except Exception as error:  # noqa: BLE001 - told beside the others
            told.append(f"{type(error).__name__}: {error}")
    return "; ".join(told)


def _redis(trick: Mapping[str, Any]) -> str:
    url = _target(trick).redis_url or ""
    redis_answers(url)
    probe = RedisProbe(url)
    probe.open()
    probe.read(0)
    return ""


def _kafka(trick: Mapping[str, Any]) -> str:
    target = _target(trick)
    require_listeners(target.brokers or "", target.allowed)
    time.sleep(_SETTLE_S)
    return ""


def _advertised(trick: Mapping[str, Any]) -> str:
    """Ask a broker on loopback that sends its clients elsewhere, as probe and as before a load."""
    with listener(sends_elsewhere(*trick["advertised"])) as port:
        os.environ["PERF_KAFKA_BROKERS"] = f"127.0.0.1:{port}"
        target = _target(trick)
        told: list[str] = []
        looks: tuple[Callable[[], object], ...] = (
            lambda: require_listeners(target.brokers or "", target.allowed),
            LagProbe(target.brokers or "", "g", ["t"], allowed=target.allowed).open,
        )
        for look in looks:
            try:
                look()
            except Exception as error:  # noqa: BLE001 - told beside the others
                told.append(f"{type(error).__name__}: {error}")
            time.sleep(_SETTLE_S)
    return "; ".join(told)


def _spread(trick: Mapping[str, Any]) -> str:
    """Open 20 connections to a name with two addresses, of which servers listen on some."""
    counts = dict.fromkeys(trick["listening"], 0)

    is_proxied = trick.get("transport") == "proxy"
    origin = HttpOrigin.parse("http://two.example:8099", through=8098 if is_proxied else 0)
    data = origin.encode("GET", "/", b"", b"")

    def connection() -> HttpConnection | HttpxConnection:
        if trick.get("transport") == "httpx":
            return HttpxConnection(origin, None, http2=False)
        return HttpConnection(origin)

    async def main() -> None:
        async with contextlib.AsyncExitStack() as servers:
            for host in counts:
                server = await asyncio.start_server(_counting(counts, host), host, origin.port)
                await servers.enter_async_context(server)
            if is_proxied:
                route = Route("load-api", 8098, origin.port, origin.host, spreads=True)
                proxy = asyncio.create_task(LinkProxy([route], "").serve(8097))
                servers.callback(proxy.cancel)
                await asyncio.sleep(0.1)
            for _ in range(20):
                each = connection()
                assert (await each.send(data, timeout_us=_TIMEOUT_US)).status == 200
                each.close()

    asyncio.run(main())
    return json.dumps(counts)


def _counting(counts: dict[str, int], host: str) -> Callable[..., Any]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counts[host] += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    return serve


def _docker(_: Mapping[str, Any]) -> str:
    return str(DockerProbe.where_environment_says(["x"], os.environ).available())


def _python(trick: Mapping[str, Any]) -> str:
    """Let a Python scenario ask for a URL, or for a path that answers with a redirect to it."""
    with _redirects(trick["url"]) as port:
        own = {"transport": trick.get("transport", "load"), "redirects": 5}
        where: dict[str, Any] = {"exec": "own_elsewhere:ask", "folder": str(FOLDER), "own": own}
        environment = {"url": trick.get("asks", "/")}
        given = context(f"http://127.0.0.1:{port}", env=environment, **where)
        recorder = run(PythonScenario(), given, an_iteration())
    return str([(sample.status, sample.error) for sample in recorder.samples])


def _steps(trick: Mapping[str, Any]) -> str:
    """Let a step follow a redirect."""
    with _redirects(trick["url"]) as port:
        own = {"steps": [{"name": "go", "path": "/"}], "redirects": 5}
        given = context(f"http://127.0.0.1:{port}", own=own, folder=str(FOLDER))
        recorder = run(HttpSteps(), given, an_iteration())
    return str([(sample.status, sample.error) for sample in recorder.samples])


def _command(trick: Mapping[str, Any]) -> str:
    """Run the installed command."""
    command = Path(sys.executable).with_name("perf-pipeline")
    with tempfile.TemporaryDirectory() as state:
        done = subprocess.run(
            [command, "--state", state, *trick["arguments"]],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    return f"exit {done.returncode}: {done.stdout}{done.stderr}"


@contextlib.contextmanager
def _redirects(url: str) -> Iterator[int]:
    """Answer every request on loopback with a redirect."""
    head = f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode()

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while connection.recv(65_536):
                connection.sendall(head)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept_all, args=(server, serve), daemon=True).start()
        yield server.getsockname()[1]


def accept_all(server: socket.socket, serve: Callable[[socket.socket], None]) -> None:
    """Serve one connection after the other until the server is closed."""
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection:
                serve(connection)


CLIENTS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "http": _http,
    "postgres": _postgres,
    "redis": _redis,
    "kafka": _kafka,
    "advertised": _advertised,
    "spread": _spread,
    "docker": _docker,
    "python": _python,
    "steps": _steps,
    "command": _command,
}
