"""A server that garbles valid answers: never an exception of ours, never a success that is none."""

import asyncio
import gzip
import random
from collections.abc import Iterator

import h11
import pytest

from perf_pipeline.workloads.http.origin import HttpOrigin
from perf_pipeline.workloads.http.redirects import following_request
from perf_pipeline.workloads.http.result import HttpError, HttpResult
from perf_pipeline.workloads.steps.checks import CheckedResponse
from perf_pipeline.workloads.steps.cookies import CookieJar
from perf_pipeline_tests.support.servers.odd_server import OK, asked

ORIGIN = HttpOrigin.parse("http://127.0.0.1:8000")
REQUEST = b"GET /a HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n"
BODY = b'{"id": "\\ud83d", "n": [1, 2.5e3, null]}'
ZIPPED = gzip.compress(BODY, mtime=0)
VALID = [
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
    b"Set-Cookie: a=1; Max-Age=5; Path=/; Expires=Fri, 01 Jan 2190 00:00:00 GMT\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n"
    b"10;a=b\r\n%b\r\n%x\r\n%b\r\n0\r\nT: u\r\n\r\n" % (BODY[:16], len(BODY) - 16, BODY[16:]),
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
    % (len(ZIPPED), ZIPPED),
    b"HTTP/1.1 302 Found\r\nLocation: /caf\xc3\xa9?q#f\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n" + BODY,
    (
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
    ),
]
PIECES = [b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"\r\n\r\n", b"9" * 30, b"-1", b"\xff", b";",
          b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"\x16\x03\x01"]  # fmt: skip
EACH = 250


def garbled(seed: int) -> Iterator[bytes]:
    """Give valid answers with one to three bytes or pieces changed, dropped, doubled or cut off."""
    source = random.Random(seed)
    for _ in range(EACH):
        answer = bytearray(source.choice(VALID))
        for _ in range(source.randint(1, 3)):
            at = source.randrange(len(answer) or 1)
            match source.randrange(5):
                case 0:
                    answer[at : at + 1] = bytes([source.randrange(256)])
                case 1:
                    del answer[at : at + source.randint(1, 8)]
                case 2:
                    answer[at:at] = source.choice(PIECES)
                case 3:
                    answer[at:at] = answer[at : at + source.randint(1, 30)]
                case _:
                    del answer[at:]
        yield bytes(answer)


def read_by_h11(answer: bytes) -> tuple[int, bytes] | str:
    """Give status and body as h11 reads them, or what it says of the answer."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    client.send(h11.EndOfMessage())
    client.receive_data(answer)
    client.receive_data(b"")
    status, body = 0, b""
    try:
        while True:
            event = client.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return status, body
            elif event is h11.NEED_DATA or event is h11.PAUSED:
                return "nothing more"
            elif isinstance(event, h11.ConnectionClosed):
                return "closed"
    except h11.RemoteProtocolError as error:
        return str(error)


def look_at(result: HttpResult) -> None:
    """Do what steps do with an answer."""
    jar = CookieJar(ORIGIN)
    jar.take(result.headers, "/a")
    jar.pairs_for("/a")
    following_request(ORIGIN, REQUEST, result)
    CheckedResponse(result).at(("id",))
    assert len(result.detail) < 600
    assert result.detail.isprintable()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_garbled_answer_is_read_as_h11_reads_it_or_has_failed(seed: int) -> None:
    answers = list(garbled(seed))
    unexpected: list[object] = []

    async def main() -> list[HttpResult]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: unexpected.append(told))
        return await asked([*answers, OK], closes=True, timeout_us=500_000)

    *results, after = asyncio.run(main())

    assert unexpected == []
    assert (after.error, after.body) == ("", b"{}")
    for answer, result in zip(answers, results, strict=True):
        look_at(result)
        oracle = read_by_h11(answer)
        assert result.error in {"", *HttpError}
        assert result.error != HttpError.TIMEOUT, answer
        if not result.error and not isinstance(oracle, str):
            assert (result.status, result.body) == oracle, answer
        if isinstance(oracle, str) and "without sending complete message body" in oracle:
            assert result.error, answer
    read = sum(not result.error for result in results)
    assert EACH / 10 < read < EACH * 9 / 10  # both sides are met
