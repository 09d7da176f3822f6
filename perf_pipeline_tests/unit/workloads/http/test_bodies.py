"""Content codings are undone by their RFCs, and never without a limit."""

import gzip
import zlib

import pytest

from perf_pipeline.workloads.http.bodies import UnreadableBodyError, without_coding

TEXT = b'{"id": 7}'
RAW = zlib.compress(TEXT)[2:-4]  # RFC 1950: two bytes in front of RFC 1951, four behind


def zipped(data: bytes) -> bytes:
    """Compress without the time of day: two processes must collect the same parameters."""
    return gzip.compress(data, mtime=0)


def read(body: bytes, *codings: str, most_bytes: int = 1_000) -> bytes:
    headers = [(b"Content-Encoding", coding.encode()) for coding in codings]
    return without_coding(body, headers, most_bytes=most_bytes)


@pytest.mark.parametrize(
    ("body", "codings"),
    [
        (TEXT, []),
        (TEXT, ["identity"]),
        (TEXT, [""]),
        (zipped(TEXT), ["gzip"]),
        (zipped(TEXT), ["GZip"]),
        (zipped(TEXT), ["x-gzip"]),
        (zipped(TEXT[:4]) + zipped(TEXT[4:]), ["gzip"]),
        (zipped(TEXT) + b"\0\0", ["gzip"]),
        (zlib.compress(TEXT), ["deflate"]),
        (RAW, ["deflate"]),
        (zipped(zlib.compress(TEXT)), ["deflate, gzip"]),
        (zipped(zlib.compress(TEXT)), ["deflate", "gzip"]),
    ],
)
def test_a_coding_is_undone(body: bytes, codings: list[str]) -> None:
    assert read(body, *codings) == TEXT


def test_an_empty_body_has_no_coding() -> None:
    assert read(b"", "gzip") == b""


@pytest.mark.parametrize(
    ("body", "coding", "sentence"),
    [
        (TEXT, "gzip", "is no gzip: "),
        (zipped(TEXT)[:-9], "gzip", "ends too early"),
        (zipped(TEXT)[:-1] + b"x", "gzip", "is no gzip: "),
        (TEXT, "br", "is coded as 'br', and only deflate, gzip, x-gzip can be read here"),
        (TEXT, "x" * 1_000, "is coded as 'xxxx"),
        (TEXT, "gzip, gzip, gzip, gzip, gzip, gzip", "is coded 6 times over"),
        (zipped(bytes(1_001)), "gzip", "has more than 1000 bytes"),
        (zipped(zipped(bytes(10_000_000))), "gzip, gzip", "has more than 1000 bytes"),
        (zipped(bytes(600)) * 2, "gzip", "has more than 1000 bytes"),
    ],
)
def test_what_can_not_be_undone_is_told(body: bytes, coding: str, sentence: str) -> None:
    with pytest.raises(UnreadableBodyError) as caught:
        read(body, coding)

    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 200
