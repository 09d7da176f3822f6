import asyncio
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.workloads.http.client import HttpConnection
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline_tests.support.loads.http_loops import ENOUGH_US, Run
from perf_pipeline_tests.support.servers.certificates import self_signed
from perf_pipeline_tests.support.servers.http_target import HttpTarget, http_target


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def tls_target(certificate: Path) -> Iterator[HttpTarget]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with http_target(context) as running:
        yield running


def test_tls_is_spoken_and_its_handshake_has_a_stamp(
    tls_target: HttpTarget, certificate: Path, run: Run
) -> None:
    async def work() -> list[HttpResult]:
        origin = HttpOrigin.parse(f"https://localhost:{tls_target.port}")
        context = ssl.create_default_context(cafile=certificate / "cert.pem")
        connection = HttpConnection(origin, tls=context)
        paths = ("/ok", "/chunked", "/truncated", "/stall")
        results = [await connection.request("GET", p, timeout_us=500_000) for p in paths]
        connection.close()
        await asyncio.sleep(0.05)
        return results

    first, second, truncated, stalled = run(work())

    assert (first.status, second.body, second.connected) == (200, b"abcdefg", False)
    assert first.connect_started_ns < first.connected_ns < first.secured_ns <= first.sent_ns
    assert (truncated.error, stalled.error) == ("truncated", "timeout")


def test_a_certificate_that_nobody_vouches_for_is_a_tls_error(
    tls_target: HttpTarget, run: Run
) -> None:
    async def work() -> list[HttpResult]:
        origin = HttpOrigin.parse(f"https://localhost:{tls_target.port}")
        connection = HttpConnection(origin, tls=ssl.create_default_context())
        results = [await connection.request("GET", "/ok", timeout_us=ENOUGH_US)]
        await asyncio.sleep(0.05)
        return results

    assert run(work())[0].error == "tls"


def test_a_server_that_never_answers_the_tls_handshake_is_a_connect_timeout(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:

        async def work() -> list[HttpResult]:
            origin = HttpOrigin.parse(f"https://127.0.0.1:{silent.getsockname()[1]}")
            connection = HttpConnection(origin, tls=ssl.create_default_context())
            results = [await connection.request("GET", "/ok", timeout_us=200_000)]
            await asyncio.sleep(0.05)
            return results

        (result,) = run(work())

    assert result.error == "connect_timeout"
    assert result.connected_ns > 0


def test_a_cancelled_tls_handshake_leaves_nothing_open(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:

        async def work() -> list[HttpResult]:
            origin = HttpOrigin.parse(f"https://127.0.0.1:{silent.getsockname()[1]}")
            connection = HttpConnection(origin, tls=ssl.create_default_context())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(connection.request("GET", "/", timeout_us=ENOUGH_US), 0.2)
            await asyncio.sleep(0.05)
            return []

        run(work())

        accepted, _ = silent.accept()
        with accepted:
            accepted.settimeout(2)
            while accepted.recv(4_096):  # ends when our side has closed
                pass
