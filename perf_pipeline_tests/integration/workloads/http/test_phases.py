"""The phases of a request are those of k6, on both loops and over TLS; they add up."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest

from perf_pipeline.metrics.sample import HttpPhases
from perf_pipeline.workloads.http.client import HttpConnection
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline_tests.support.loads.http_loops import ENOUGH_US, Run, get
from perf_pipeline_tests.support.servers.certificates import self_signed
from perf_pipeline_tests.support.servers.http_target import HttpTarget, http_target

UPLOAD_BYTES = 32_000_000


def _of(result: HttpResult, origin_ns: int = 0) -> HttpPhases:
    return result.times(origin_ns)[2]


def test_only_the_first_request_of_a_connection_has_the_time_of_its_setup(
    target: HttpTarget, run: Run
) -> None:
    first, second = (_of(sample) for sample in run(get(target, "/ok", "/ok")))

    assert min(first.blocked_us, first.connecting_us) > 0
    assert first.tls_us == 0
    assert second[:3] == (0, 0, 0)


@pytest.mark.parametrize(
    "path", ["/ok", "/delay/100", "/slow-body", "/huge/1000000", "/status/500"]
)
def test_sending_waiting_and_receiving_add_up_to_the_duration(
    target: HttpTarget, run: Run, path: str
) -> None:
    (result,) = run(get(target, path))
    origin_ns = result.sent_ns - 1_234_567  # the sum is exact wherever the stamps count from
    phases = _of(result, origin_ns)

    duration_us = (result.ended_ns - origin_ns) // 1_000 - (result.sent_ns - origin_ns) // 1_000
    assert phases.sending_us + phases.waiting_us + phases.receiving_us == duration_us
    assert min(phases) >= 0


def test_the_servers_work_is_waiting_and_a_late_half_of_the_body_is_receiving(
    target: HttpTarget, run: Run
) -> None:
    delayed, halved = run(get(target, "/delay/100", "/slow-body"))

    # A client that loses its core stamps the last byte late; the two together cannot be shorter.
    assert _of(delayed).waiting_us > 50_000
    assert _of(delayed).sending_us + _of(delayed).waiting_us >= int(delayed.header("x-held-us"))
    assert _of(delayed).receiving_us < 90_000
    # As above: one that comes late to the first half stamps it late.
    assert 50_000 < _of(halved).receiving_us < 1_500_000
    assert sum(_of(halved)) > 95_000


def test_an_upload_that_the_server_lets_wait_is_sending(run: Run) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)  # neither kernel nor reader buffers 32 MB: the rest waits
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(UPLOAD_BYTES)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" if head else b"")
        await writer.drain()
        writer.close()

    async def work() -> list[HttpResult]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        connection = HttpConnection(HttpOrigin.parse(f"http://127.0.0.1:{port}"))
        body = b"x" * UPLOAD_BYTES
        result = await connection.request("POST", "/", body=body, timeout_us=4 * ENOUGH_US)
        connection.close()
        server.close()
        await asyncio.sleep(0.05)
        return [result]

    (result,) = run(work())

    assert (result.status, result.error) == (200, "")
    assert _of(result).sending_us > 190_000
    assert result.sent_ns < result.written_ns <= result.first_byte_ns


def test_a_refused_request_has_tried_to_connect_and_was_never_sent(run: Run) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port
        free = HttpTarget(closed.getsockname()[1])
        (result,) = run(get(free, "/ok"))

    assert result.error == "refused"
    phases = _of(result)
    assert min(phases.blocked_us, phases.connecting_us) >= 0
    assert phases[2:] == (-1, -1, -1, -1)


def test_a_request_without_an_answer_waited_until_its_timeout(target: HttpTarget, run: Run) -> None:
    (result,) = run(get(target, "/stall", timeout_us=200_000))

    phases = _of(result)
    assert result.error == "timeout"
    assert phases.sending_us + phases.waiting_us >= 199_000
    assert phases.receiving_us == 0


def test_the_tls_handshake_is_a_phase_of_its_own(tmp_path: Path, run: Run) -> None:
    self_signed(tmp_path)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    async def work(port: int) -> list[HttpResult]:
        trusted = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        connection = HttpConnection(HttpOrigin.parse(f"https://localhost:{port}"), tls=trusted)
        untrusting = HttpConnection(
            HttpOrigin.parse(f"https://localhost:{port}"), tls=ssl.create_default_context()
        )
        results = [await connection.request("GET", "/ok", timeout_us=ENOUGH_US) for _ in range(2)]
        results.append(await untrusting.request("GET", "/ok", timeout_us=ENOUGH_US))
        connection.close()
        await asyncio.sleep(0.05)
        return results

    with http_target(served) as running:
        first, second, distrusted = run(work(running.port))

    assert min(_of(first)[:3]) > 0
    assert _of(second)[:3] == (0, 0, 0)
    assert distrusted.error == "tls"
    assert _of(distrusted).tls_us > 0
    assert _of(distrusted)[3:] == (-1, -1, -1)
