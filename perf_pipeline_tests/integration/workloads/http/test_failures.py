import asyncio
import contextlib
import resource
import socket
from collections.abc import Iterator
from time import monotonic_ns

import pytest

from perf_pipeline.config.python_parameters import PythonParameters
from perf_pipeline.errors import GeneratorLimitError
from perf_pipeline.workloads.http.client import HttpConnection
from perf_pipeline.workloads.http.connections import connect_first
from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.parameters import OwnHttpSettings
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline_tests.support.loads.http_loops import ENOUGH_US, Run, get
from perf_pipeline_tests.support.servers.http_target import HttpTarget, http_target


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


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


def test_a_body_over_the_limit_is_counted_and_not_kept(target: HttpTarget, run: Run) -> None:
    cut, after = run(get(target, "/huge/1000001", "/ok"))

    assert (cut.error, cut.status, cut.body, cut.is_cut) == ("", 200, b"", True)
    assert cut.bytes_in > 1_000_001
    assert (after.status, after.connected, after.is_cut) == (200, False, False)


def test_an_endless_body_is_read_until_the_timeout(target: HttpTarget, run: Run) -> None:
    (result,) = run(get(target, "/endless", timeout_us=300_000))

    assert (result.error, result.body) == ("timeout", b"")
    assert result.bytes_in > 1_000_000


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


@contextlib.contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Lower this process's limit to what is open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as lowest_free:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free.fileno(), hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# A name must be looked up first, and what a resolver without descriptors says is not to be trusted.
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "nowhere.invalid"])
def test_a_lack_of_file_descriptors_is_the_generators_limit_not_the_targets(
    run: Run, host: str
) -> None:
    async def work() -> list[HttpResult]:
        origin = HttpOrigin.parse(f"http://{host}:{unused_port()}")
        connection = HttpConnection(origin)
        settings = OwnHttpSettings(origin, None, "", {}, {})
        # A resolver that has found a name says "Device or resource busy" of having no descriptor.
        await asyncio.get_running_loop().getaddrinfo("localhost", 80)
        await asyncio.sleep(0.1)  # until the target's thread has closed its old connections
        with no_descriptor_left():
            result = await connection.request("GET", "/ok", timeout_us=ENOUGH_US)
            with pytest.raises(GeneratorLimitError, match="no free port or file descriptor"):
                await connect_first(settings, PythonParameters())
        return [result]

    assert run(work())[0].error == "generator"


def test_a_target_that_dies_between_two_requests_is_refused_after_the_resend(run: Run) -> None:
    async def work() -> list[HttpResult]:
        with http_target() as dying:
            connection = HttpConnection(HttpOrigin.parse(dying.base_url))
            first = await connection.request("GET", "/ok", timeout_us=ENOUGH_US)
        # The loop has not yet seen that the connection is closed.
        second = await connection.request("GET", "/ok", timeout_us=ENOUGH_US)
        return [first, second]

    first, second = run(work())

    assert (first.status, first.error) == (200, "")
    assert (second.status, second.error, second.resent) == (0, "refused", True)
    assert second.started_ns == second.sent_ns < second.connect_started_ns
