"""A Python scenario's request is one request, whatever its headers hold."""

import asyncio

import httpx
import pytest

from perf_pipeline.workloads.python.request_bytes import written

URL = "http://127.0.0.1:1/a?b=c"


def test_a_request_is_written_as_it_goes_over_the_wire() -> None:
    request = httpx.Request("POST", URL, headers=[(b"X-Key", b"caf\xe9")], content=b"body")

    data = asyncio.run(written(request))

    assert data == (
        b"POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:1\r\nX-Key: caf\xe9\r\n"
        b"Content-Length: 4\r\n\r\nbody"
    )


@pytest.mark.parametrize(
    ("method", "headers", "sentence"),
    [
        ("GET", {"X": "s3cret\r\nX-Evil: 1"}, "the value of the header 'X' contains a line end"),
        ("GET", {"X": "s3cret\n"}, "the value of the header 'X' contains a line end"),
        ("GET", {"Cookie": "a=s3cret\x00"}, "the value of the header 'Cookie' contains"),
        ("GET", {"X: s": "1"}, "'X: s' is not a valid name of a header"),
        ("GET", {"X\r\nY": "1"}, r"'X\r\nY' is not a valid name of a header"),
        ("GET /x HTTP/1.1\r\nX: 1\r\n", {}, "is not a valid method of HTTP"),
    ],
)
def test_what_would_be_read_as_another_header_is_refused_and_its_value_not_shown(
    method: str, headers: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match="nothing was sent") as caught:
        asyncio.run(written(httpx.Request(method, URL, headers=headers)))

    assert sentence in str(caught.value)
    assert "s3cret" not in str(caught.value)
