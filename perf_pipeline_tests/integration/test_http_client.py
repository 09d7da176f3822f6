import asyncio
import socket
import ssl
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from time import monotonic_ns

import pytest
import uvloop

from perf_pipeline.workloads.http_client import HttpConnection
from perf_pipeline.workloads.http_origin import HttpOrigin, header_block
from perf_pipeline.workloads.http_result import HttpResult
from perf_pipeline_tests.integration.http_target import OK_BODY, HttpTarget, http_target

Run = Callable[[Awaitable[list[HttpResult]]], list[HttpResult]]
ENOUGH_US = 5_000_000


@pytest.fixture(scope="module")
def target() -> Iterator[HttpTarget]:
    with http_target() as running:
        yield running


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    def run_on_loop(work: Awaitable[list[HttpResult]]) -> list[HttpResult]:
        async def main() -> list[HttpResult]:
            return await work

        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(main())

    return run_on_loop


async def get(
    target: HttpTarget, *paths: str, method: str = "GET", timeout_us: int = ENOUGH_US
) -> list[HttpResult]:
    """Request the paths one after the other on one user's connection."""
    connection = HttpConnection(HttpOrigin.parse(target.base_url), max_body_bytes=1_000_000)
    try:
        return [await connection.request(method, path, timeout_us=timeout_us) for path in paths]
    finally:
        connection.close()
        await asyncio.sleep(0)


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize(
    ("path", "method", "status", "body"),
    [
        pytest.param("/ok", "GET", 200, OK_BODY, id="content-length"),
        pytest.param("/chunked", "GET", 200, b"abcdefg", id="chunks-in-two-pieces-with-trailer"),
        pytest.param("/until-close", "GET", 200, b"until close", id="ends-with-the-connection"),
        pytest.param("/close-header", "GET", 200, b"bye", id="connection-close"),
        pytest.param("/interim", "GET", 200, b"after", id="after-100-and-103"),
        pytest.param("/204", "GET", 204, b"", id="no-content"),
        pytest.param("/304", "GET", 304, b"", id="not-modified-with-a-length"),
        pytest.param("/head", "HEAD", 200, b"", id="head-with-a-length"),
        pytest.param("/slow-body", "GET", 200, b"abcdef", id="body-in-two-pieces"),
        pytest.param("/huge/1000000", "GET", 200, b"z" * 1_000_000, id="as-large-as-allowed"),
        pytest.param("/status/500", "GET", 500, b"{}", id="500-is-a-complete-response"),
    ],
)
def test_every_form_of_response_is_read_to_its_end_and_another_request_follows(
    target: HttpTarget, run: Run, path: str, method: str, status: int, body: bytes
) -> None:
    first, second = run(get(target, path, path, method=method))

    for result in (first, second):
        assert (result.status, result.body, result.error) == (status, body, "")
        assert not result.resent


def test_one_connection_carries_all_requests_of_a_user(target: HttpTarget, run: Run) -> None:
    before = target.connections

    results = run(get(target, "/ok", "/chunked", "/204", "/interim"))

    assert target.connections == before + 1
    assert [result.connected for result in results] == [True, False, False, False]
    assert [result.connect_started_ns > 0 for result in results] == [True, False, False, False]


def test_an_answer_to_head_leaves_the_connection_usable(target: HttpTarget, run: Run) -> None:
    before = target.connections

    assert [r.status for r in run(get(target, "/head", "/ok", method="HEAD"))] == [200, 200]
    assert target.connections <= before + 2


@pytest.mark.parametrize(
    ("path", "error", "status", "body"),
    [
        ("/reset", "reset", 0, b""),
        ("/reset-inside", "reset", 200, b"abc"),
        ("/close", "closed", 0, b""),
        ("/truncated", "truncated", 200, b"abc"),
        ("/truncated-chunks", "truncated", 200, b"abc"),
        ("/truncated-head", "truncated", 0, b""),
        ("/garbage", "protocol", 0, b""),
        ("/upgrade", "protocol", 0, b""),
        ("/huge-head", "too_large", 0, b""),
    ],
)
def test_each_failure_has_its_own_error_and_the_next_request_works(
    target: HttpTarget, run: Run, path: str, error: str, status: int, body: bytes
) -> None:
    failed, after = run(get(target, path, "/ok"))

    assert (failed.error, failed.status, failed.body) == (error, status, body)
    assert failed.ended_ns >= failed.started_ns > 0
    assert (after.status, after.error, after.connected) == (200, "", True)


@pytest.mark.parametrize("path", ["/huge/1000001", "/endless"])
def test_a_body_over_the_limit_is_cut_off(target: HttpTarget, run: Run, path: str) -> None:
    (result,) = run(get(target, path))

    assert result.error == "too_large"
    assert len(result.body) <= 1_000_000


@pytest.mark.parametrize("path", ["/stall", "/stall-inside", "/drip"])
def test_the_timeout_counts_from_sending_to_the_last_byte(
    target: HttpTarget, run: Run, path: str
) -> None:
    failed, after = run(get(target, path, "/ok", timeout_us=200_000))

    assert failed.error == "timeout"
    assert 200 <= (failed.ended_ns - failed.sent_ns) / 1e6 < 1_500
    assert (after.status, after.connected) == (200, True)


def test_a_shorter_timeout_than_the_one_before_is_kept(target: HttpTarget, run: Run) -> None:
    async def work() -> list[HttpResult]:
        connection = HttpConnection(HttpOrigin.parse(target.base_url))
        long = await connection.request("GET", "/ok", timeout_us=60_000_000)
        short = await connection.request("GET", "/stall", timeout_us=100_000)
        connection.close()
        return [long, short]

    long, short = run(work())

    assert (long.error, short.error) == ("", "timeout")


def test_a_refused_connection_is_told_and_timed_from_connecting(run: Run) -> None:
    (result,) = run(get(HttpTarget(unused_port()), "/ok"))

    assert (result.error, result.status, result.sent_ns) == ("refused", 0, 0)
    assert result.started_ns == result.connect_started_ns > 0
    assert (result.bytes_out, result.connected) == (0, True)


def test_a_name_that_does_not_exist_is_a_dns_error(run: Run) -> None:
    async def work() -> list[HttpResult]:
        # RFC 6761: .invalid never resolves.
        connection = HttpConnection(HttpOrigin.parse("http://nowhere.invalid"))
        return [await connection.request("GET", "/", timeout_us=20_000_000)]

    assert run(work())[0].error == "dns"


def test_a_listener_that_does_not_accept_is_a_connect_timeout(run: Run) -> None:
    # Linux drops the SYN when the backlog is full: backlog 0 holds one connection.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)  # noqa: FBT003 (the standard library's own signature)
            filler.connect_ex(("127.0.0.1", port))
        (result,) = run(get(HttpTarget(port), "/ok", timeout_us=200_000))
        for filler in fillers:
            filler.close()

    assert (result.error, result.connected_ns) == ("connect_timeout", 0)


@pytest.mark.parametrize("path", ["/stale", "/stale-reset"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_met_a_stale_connection_goes_out_once_more_and_says_so(
    target: HttpTarget, run: Run, path: str, method: str
) -> None:
    seen = len(target.requests)

    first, second = run(get(target, path, path, method=method))

    assert (first.status, first.resent) == (200, False)
    assert (second.status, second.error, second.resent, second.connected) == (200, "", True, True)
    assert second.bytes_out == 2 * first.bytes_out
    assert second.sent_ns < second.connect_started_ns < second.first_byte_ns
    assert len(target.requests) == seen + 3


def test_a_fresh_connection_that_closes_is_the_targets_failure_and_not_resent(
    target: HttpTarget, run: Run
) -> None:
    seen = len(target.requests)

    (result,) = run(get(target, "/close"))

    assert (result.error, result.resent) == ("closed", False)
    assert len(target.requests) == seen + 1


@pytest.mark.parametrize("path", ["/once", "/unasked"])
def test_a_connection_that_closed_while_idle_is_replaced_without_a_resend(
    target: HttpTarget, run: Run, path: str
) -> None:
    async def work() -> list[HttpResult]:
        connection = HttpConnection(HttpOrigin.parse(target.base_url))
        first = await connection.request("GET", path, timeout_us=ENOUGH_US)
        await asyncio.sleep(0.2)
        second = await connection.request("GET", "/ok", timeout_us=ENOUGH_US)
        connection.close()
        return [first, second]

    first, second = run(work())

    assert (first.status, second.status, second.connected, second.resent) == (200, 200, True, False)


def test_a_second_response_to_one_request_is_not_taken_for_the_next_answer(
    target: HttpTarget, run: Run
) -> None:
    first, second = run(get(target, "/twice", "/ok"))

    assert (first.body, second.body, second.connected) == (b"one", OK_BODY, True)


def test_a_request_arrives_as_it_was_meant(target: HttpTarget, run: Run) -> None:
    async def work() -> list[HttpResult]:
        connection = HttpConnection(HttpOrigin.parse(target.base_url + "/echo/"))
        headers = header_block({"Content-Type": "application/json", "X-Who": "me"})
        result = await connection.request(
            "POST", "/it?a=%20", headers=headers, body=b'{"a": 1}', timeout_us=ENOUGH_US
        )
        connection.close()
        return [result]

    (result,) = run(work())
    arrived = target.requests[-1]

    assert (result.body, arrived.method, arrived.path) == (b'{"a": 1}', "POST", "/echo/it?a=%20")
    assert arrived.headers == {
        "host": f"127.0.0.1:{target.port}",
        "content-length": "8",
        "content-type": "application/json",
        "x-who": "me",
    }
    head = f"POST /echo/it?a=%20 HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\nContent-Length: 8\r\n"
    rest = "Content-Type: application/json\r\nX-Who: me\r\n\r\n"
    assert result.bytes_out == len(head) + len(rest) + 8
    # HTTP/1.1 200 OK (17 with its line end) + Content-Length: 8 (19) + empty line (2) + body (8)
    assert result.bytes_in == 17 + 19 + 2 + 8


def test_the_service_time_is_what_the_server_took(target: HttpTarget, run: Run) -> None:
    results = run(get(target, *["/delay/5"] * 40))

    errors_us = sorted(
        (result.ended_ns - result.sent_ns) / 1_000 - int(result.header("x-held-us"))
        for result in results
    )
    assert errors_us[0] > 0
    assert errors_us[20] < 3_000  # 0.1-0.3 ms on an idle machine
    for result in results:
        assert result.sent_ns < result.first_byte_ns <= result.ended_ns


def test_first_and_last_byte_have_their_own_stamps(target: HttpTarget, run: Run) -> None:
    (result,) = run(get(target, "/slow-body"))

    assert 90 < (result.ended_ns - result.first_byte_ns) / 1e6 < 1_500


def test_a_cancelled_request_closes_its_connection_and_the_cancellation_goes_on(
    target: HttpTarget, run: Run
) -> None:
    async def work() -> list[HttpResult]:
        connection = HttpConnection(HttpOrigin.parse(target.base_url))
        task = asyncio.create_task(connection.request("GET", "/stall", timeout_us=ENOUGH_US))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert 0 < connection.started_ns < monotonic_ns()
        assert connection.bytes_out > 0
        after = await connection.request("GET", "/ok", timeout_us=ENOUGH_US)
        connection.close()
        return [after]

    (after,) = run(work())

    assert (after.status, after.connected) == (200, True)


def test_two_hundred_users_at_once_get_their_own_answers(target: HttpTarget, run: Run) -> None:
    async def user(number: int) -> list[HttpResult]:
        connection = HttpConnection(HttpOrigin.parse(target.base_url))
        results = [
            await connection.request(
                "POST", "/echo/", body=b"%d-%d" % (number, turn), timeout_us=20_000_000
            )
            for turn in range(5)
        ]
        connection.close()
        return results

    async def work() -> list[HttpResult]:
        users = await asyncio.gather(*(user(number) for number in range(200)))
        return [result for results in users for result in results]

    bodies = [result.body for result in run(work())]

    assert bodies == [b"%d-%d" % (number, turn) for number in range(200) for turn in range(5)]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command.split(), *names], cwd=folder, check=True, capture_output=True)
    return folder


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
