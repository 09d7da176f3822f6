import asyncio

import pytest

from perf_pipeline.workloads.http.client import HttpConnection
from perf_pipeline.workloads.http.origin import HttpOrigin, header_block
from perf_pipeline.workloads.http.result import HttpResult
from perf_pipeline_tests.support.loads.http_loops import ENOUGH_US, Run, get
from perf_pipeline_tests.support.servers.http_routes import OK_BODY
from perf_pipeline_tests.support.servers.http_target import HttpTarget


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
