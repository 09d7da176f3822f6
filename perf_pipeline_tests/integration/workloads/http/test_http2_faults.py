"""What a server does to streams and connections of HTTP/2 has the meaning that it has in HTTP/1.1.

The expected classes are those of test_failures.py; the frames' meanings are RFC 9113's.
"""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline_tests.support.loads.http2_client import (
    ask,
    http2_connection,
    new_certificates,
    serving_tls,
)
from perf_pipeline_tests.support.loads.http_loops import ENOUGH_US, Run
from perf_pipeline_tests.support.servers.http2_target import WINDOW_BYTES, Http2Target, http2_target
from perf_pipeline_tests.support.servers.http_target import http_target


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_certificates(tmp_path_factory.mktemp("http2"))


@pytest.fixture(scope="module")
def target(certificates: Path) -> Iterator[Http2Target]:
    with http2_target(serving_tls(certificates, "h2")) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "error", "status", "body", "reconnects"),
    [
        ("/reset", "reset", 0, b"", False),
        ("/refused", "reset", 0, b"", False),
        ("/reset-inside", "reset", 200, b"abc", False),
        ("/tcp-reset", "reset", 0, b"", True),
        ("/close", "closed", 0, b"", True),
        ("/goaway-refusing", "closed", 0, b"", True),
        ("/truncated", "truncated", 200, b"abc", True),
        ("/short", "truncated", 200, b"abc", True),
        ("/garbage", "protocol", 0, b"", True),
        ("/bad-head", "protocol", 0, b"", True),
        ("/huge-head", "too_large", 0, b"", True),
        ("/odd-status", "protocol", 0, b"", True),
        ("/no-status", "protocol", 0, b"", True),
        ("/capitals", "protocol", 0, b"", True),
    ],
)
def test_each_failure_has_its_own_error_and_the_next_request_works(
    target: Http2Target,
    certificates: Path,
    run: Run,
    path: str,
    error: str,
    status: int,
    body: bytes,
    reconnects: bool,
) -> None:
    failed, after = run(ask(http2_connection(target.base_url, certificates), path, "/ok"))

    assert (failed.error, failed.status, failed.body) == (error, status, body)
    assert (failed.resent, failed.connected) == (False, True)
    assert failed.ended_ns >= failed.started_ns > 0
    assert (after.status, after.error, after.connected) == (200, "", reconnects)


def test_a_body_over_the_limit_is_counted_and_not_kept(
    target: Http2Target, certificates: Path, run: Run
) -> None:
    connection = http2_connection(target.base_url, certificates)

    whole, cut = run(ask(connection, "/huge/1000000", "/huge/1000001"))

    assert (whole.error, len(whole.body)) == ("", 1_000_000)
    assert (cut.error, cut.status, cut.body, cut.is_cut) == ("", 200, b"", True)
    assert cut.bytes_in > 1_000_001


@pytest.mark.parametrize("path", ["/stall", "/drip"])
def test_the_timeout_counts_from_sending_to_the_last_byte(
    target: Http2Target, certificates: Path, run: Run, path: str
) -> None:
    connection = http2_connection(target.base_url, certificates)

    failed, after = run(ask(connection, path, "/ok", timeout_us=200_000))

    assert failed.error == "timeout"
    assert 200 <= (failed.ended_ns - failed.sent_ns) / 1e6 < 1_500
    assert (after.status, after.connected) == (200, True)


def test_a_connection_whose_server_takes_leave_answers_what_is_under_way_and_is_replaced(
    target: Http2Target, certificates: Path, run: Run
) -> None:
    """RFC 9113, 6.8: streams up to the last one that GOAWAY names are answered."""
    connection = http2_connection(target.base_url, certificates)

    last, after = run(ask(connection, "/goaway-then-answer", "/ok"))

    assert (last.status, last.error, last.body) == (200, "", b"the last")
    assert (after.status, after.connected, after.resent) == (200, True, False)


def test_a_connection_that_was_left_while_idle_is_replaced_without_a_resend(
    target: Http2Target, certificates: Path, run: Run
) -> None:
    connection = http2_connection(target.base_url, certificates)

    first, second = run(ask(connection, "/goaway-after", "/ok", pause_s=0.2))

    assert (first.status, second.status, second.connected, second.resent) == (200, 200, True, False)


@pytest.mark.parametrize("path", ["/stale", "/stale-goaway"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_met_a_stale_connection_goes_out_once_more_and_says_so(
    target: Http2Target, certificates: Path, run: Run, path: str, method: str
) -> None:
    seen = len(target.requests)
    connection = http2_connection(target.base_url, certificates)

    first, second = run(ask(connection, path, path, method=method))

    assert (first.status, first.resent) == (200, False)
    assert (second.status, second.error, second.resent, second.connected) == (200, "", True, True)
    assert second.bytes_out > first.bytes_out
    assert second.sent_ns < second.connect_started_ns < second.first_byte_ns
    assert len(target.requests) == seen + 3


def test_a_cancelled_request_closes_its_connection_and_the_cancellation_goes_on(
    target: Http2Target, certificates: Path, run: Run
) -> None:
    async def work() -> list[HttpResult]:
        connection = http2_connection(target.base_url, certificates)
        task = asyncio.create_task(connection.request("GET", "/stall", timeout_us=ENOUGH_US))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert connection.started_ns > 0
        assert connection.bytes_out > 9
        return await ask(connection, "/ok")

    (after,) = run(work())

    assert (after.status, after.connected) == (200, True)


@pytest.mark.parametrize(
    ("path", "body"), [("/interim", b"after"), ("/trailers", b"abc"), ("/ping", b'{"ok": true}')]
)
def test_frames_around_a_response_are_not_taken_for_it(
    target: Http2Target, certificates: Path, run: Run, path: str, body: bytes
) -> None:
    (result, again) = run(ask(http2_connection(target.base_url, certificates), path, "/ok"))

    assert (result.status, result.error, result.body) == (200, "", body)
    assert [name for name, _ in result.headers] == [b"content-length"]
    assert (again.status, again.connected) == (200, False)


def test_a_body_that_the_servers_window_holds_back_arrives_whole_and_is_counted(
    target: Http2Target, certificates: Path, run: Run
) -> None:
    """A frame has a head of 9 bytes (RFC 9113, 4.1), and the window lets each one be 10 kB."""
    body = bytes(range(256)) * 4_000
    connection = http2_connection(target.base_url, certificates)

    first, second = run(ask(connection, "/ok", "/ok", method="POST", body=body))

    assert (first.status, second.status, second.connected) == (200, 200, False)
    assert [request.body for request in target.requests[-2:]] == [body, body]
    most_frames = 3 * len(body) // WINDOW_BYTES
    assert len(body) + 9 < second.bytes_out < len(body) + 100 + 9 * most_frames
    assert second.sent_ns < second.written_ns <= second.first_byte_ns


def test_an_answer_before_the_body_is_sent_ends_the_request_and_keeps_the_connection(
    target: Http2Target, certificates: Path, run: Run
) -> None:
    connection = http2_connection(target.base_url, certificates)

    first, second = run(ask(connection, "/early", "/ok", method="POST", body=b"x" * 9 * 1_000))

    assert (first.status, first.body) == (200, b"enough")
    assert (second.status, second.connected) == (200, False)


def test_the_servers_work_is_waiting_and_a_late_half_of_the_body_is_receiving(
    target: Http2Target, certificates: Path, run: Run
) -> None:
    connection = http2_connection(target.base_url, certificates)

    first, delayed, halved = run(ask(connection, "/ok", "/delay/100", "/slow-body"))

    assert min(first.times(0)[2][:3]) > 0
    phases = delayed.times(0)[2]
    assert phases[:3] == (0, 0, 0)
    held_us = int(delayed.body)
    assert held_us >= 100_000 - 1_000
    assert held_us <= sum(phases) < held_us + 250_000
    assert phases.waiting_us > 90_000
    assert phases.receiving_us < 50_000
    assert 90_000 < halved.times(0)[2].receiving_us < 1_500_000


@pytest.mark.parametrize("protocols", [(), ("http/1.1",)], ids=["no ALPN", "http/1.1"])
def test_a_server_that_does_not_choose_http2_is_not_spoken_to_at_all(
    certificates: Path, run: Run, protocols: tuple[str, ...]
) -> None:
    with http_target(serving_tls(certificates, *protocols)) as old:
        connection = http2_connection(f"https://localhost:{old.port}", certificates)
        (result,) = run(ask(connection, "/ok"))

    assert (result.error, result.status, result.sent_ns, result.bytes_out) == ("not_http2", 0, 0, 0)
    assert result.secured_ns > 0
    assert old.requests == []


def test_a_target_that_refuses_and_one_that_nobody_vouches_for_are_told_apart(
    target: Http2Target, certificates: Path, tmp_path: Path, run: Run
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port
        nobody = f"https://localhost:{closed.getsockname()[1]}"
        (refused,) = run(ask(http2_connection(nobody, certificates), "/ok"))
    strangers = new_certificates(tmp_path)
    (distrusted,) = run(ask(http2_connection(target.base_url, strangers), "/ok"))

    assert (refused.error, refused.sent_ns, refused.connected_ns) == ("refused", 0, 0)
    assert (distrusted.error, distrusted.sent_ns, distrusted.bytes_out) == ("tls", 0, 0)
