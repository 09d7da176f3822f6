"""Answers that are not as RFC 9112 wants them: read where h11 (httpx) and browsers read them."""

import asyncio

import pytest

from perf_pipeline_tests.support.servers.odd_server import OK, asked

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

READ = {
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
    "line feeds and line ends": b"HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\n{}",
    "a length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunks and a length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Length: 9\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "equal lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\nContent-Length: 2\r\n\r\n{}",
    "a list of equal lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}",
    "a folded line": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}",
    "a control character": b"HTTP/1.1 200 OK\r\nX-A: \x01\r\nContent-Length: 2\r\n\r\n{}",
    "no reason phrase": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}",
    "letters outside ASCII": "HTTP/1.1 200 Schön\r\nX: é\r\nContent-Length: 2\r\n\r\n{}".encode(),
    "another minor version": b"HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.0 kept alive": b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
    b"Content-Length: 2\r\n\r\n{}",
    "extensions of a chunk": CHUNKED + b"2;a=b\r\n{}\r\n0\r\n\r\n",
    "blanks after a chunk's size": CHUNKED + b"2  \r\n{}\r\n0\r\n\r\n",
    "trailers": CHUNKED + b"2\r\n{}\r\n0\r\nX-T: a\r\n\r\n",
    "an interim response": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK,
    "an upgrade that is offered": b"HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"
    b"Content-Length: 2\r\n\r\n{}",
}  # fmt: skip
REFUSED = {
    "lengths that differ": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "'Content-Length: 2, Content-Length: 3'",
    ),
    "no length": (b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}", "'Content-Length: +2'"),
    "a blank before the colon": (
        b"HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 2\r\n\r\n{}",
        "'X-A : b'",
    ),
    "a blank before the colon of a length": (
        b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}",
        "'Content-Length : 2'",
    ),
    "a tab before the colon of a coding": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding\t: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        r"'Transfer-Encoding\t: chunked'",
    ),
    "no colon": (b"HTTP/1.1 200 OK\r\nabc\r\nContent-Length: 2\r\n\r\n{}", "'abc'"),
    "a NUL": (b"HTTP/1.1 200 OK\r\nX-A: \0b\r\nContent-Length: 2\r\n\r\n{}", r"'X-A: \x00b'"),
    "another transfer coding": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "'Transfer-Encoding: gzip, chunked'",
    ),
    "small letters": (b"http/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "'http/1.1 200 OK'"),
    "a status of four digits": (b"HTTP/1.1 2000 OK\r\n\r\n", "'HTTP/1.1 2000 OK'"),
    "a long line": (
        b"HTTP/1.1 200 OK\r\n" + b"x" * 1_000 + b"\r\n\r\n",
        "'" + "x" * 120 + "'...",
    ),
    "a chunk that is no number": (
        CHUNKED + b"xx\r\n{}\r\n0\r\n\r\n",
        "Invalid character in chunk size",
    ),
}


@pytest.mark.parametrize("answer", READ.values(), ids=READ)
def test_what_others_read_is_read(answer: bytes) -> None:
    in_one_piece, byte_by_byte, after = asyncio.run(
        asked([answer, lambda: [bytes([byte]) for byte in answer], OK])
    )

    assert (in_one_piece.error, in_one_piece.status, in_one_piece.body) == ("", 200, b"{}")
    assert (byte_by_byte.error, byte_by_byte.status, byte_by_byte.body) == ("", 200, b"{}")
    assert (after.error, after.status, after.body) == ("", 200, b"{}")


@pytest.mark.parametrize(("answer", "detail"), REFUSED.values(), ids=REFUSED)
def test_what_nobody_reads_is_protocol_and_its_line_is_told(answer: bytes, detail: str) -> None:
    refused, after = asyncio.run(asked([answer, OK]))

    assert (refused.error, refused.detail) == ("protocol", detail)
    assert (after.error, after.status) == ("", 200)


def test_bytes_after_the_body_end_the_connection_and_nothing_else() -> None:
    odd, after = asyncio.run(asked([OK + b"garbage", OK]))

    assert (odd.error, odd.status, odd.body) == ("", 200, b"{}")
    assert (after.error, after.body, after.connected) == ("", b"{}", True)


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none_and_its_connection_is_not_used_again(status: int) -> None:
    odd, after = asyncio.run(asked([b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\n{}" % status, OK]))

    assert (odd.error, odd.status, odd.body) == ("", status, b"")
    assert (after.error, after.connected) == ("", True)


def test_a_body_in_answer_to_a_head_is_none() -> None:
    odd, after = asyncio.run(asked([OK, OK], method="HEAD"))

    assert (odd.error, odd.status, odd.body) == ("", 200, b"")
    assert (after.error, after.connected) == ("", True)


def test_bytes_in_tls_are_named() -> None:
    (result,) = asyncio.run(asked([b"\x15\x03\x01\x00\x02\x02\x46"], closes=True))

    assert result.error == "speaks_tls"


def test_a_large_body_takes_no_memory() -> None:
    piece = b"x" * 1_000_000

    def pieces() -> list[bytes]:
        return [b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n", *[piece] * 50]

    large, after = asyncio.run(asked([pieces, OK], timeout_us=20_000_000))

    assert (large.error, large.status, large.body, large.is_cut) == ("", 200, b"", True)
    assert large.bytes_in > 50_000_000
    assert (after.error, after.body, after.is_cut) == ("", b"{}", False)
