"""Content codings are undone by their RFCs, and never without a limit."""

import gzip
import sys
import zlib

import brotli
import pytest

from perf_pipeline.workloads.http.bodies import UnreadableBodyError, without_coding

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = b'{"id": 7}'
# By hand. RFC 7932: a last block, and it is empty. RFC 8878: magic number, a window of 2^23 or 2^24
# bytes, one raw block of two bytes that is the last.
EMPTY_BR = bytes.fromhex("06")
ZSTD_8_MIB, ZSTD_16_MIB = (
    bytes.fromhex(f"28b52ffd 00 {size} 110000 6869") for size in ("68", "70")
)
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
        (brotli.compress(TEXT), ["br"]),
        (zstd.compress(TEXT), ["zstd"]),
        (zstd.compress(TEXT[:4]) + zstd.compress(TEXT[4:]), ["zstd"]),
        (zipped(zstd.compress(brotli.compress(TEXT))), ["br, zstd, gzip"]),
        (zipped(zlib.compress(TEXT)), ["deflate, gzip"]),
        (zipped(zlib.compress(TEXT)), ["deflate", "gzip"]),
    ],
)
def test_a_coding_is_undone(body: bytes, codings: list[str]) -> None:
    assert read(body, *codings) == TEXT


def test_bodies_that_the_rfcs_spell_out_are_read() -> None:
    assert (read(EMPTY_BR, "br"), read(ZSTD_8_MIB, "zstd")) == (b"", b"hi")


def test_an_empty_body_has_no_coding() -> None:
    assert read(b"", "gzip") == b""


@pytest.mark.parametrize(
    ("body", "coding", "sentence"),
    [
        (TEXT, "gzip", "is not gzip: "),
        (zipped(TEXT)[:-9], "gzip", "ends too early"),
        (zipped(TEXT)[:-1] + b"x", "gzip", "is not gzip: "),
        (TEXT, "br", "is not br: "),
        (brotli.compress(TEXT)[:-1], "br", "ends too early"),
        (brotli.compress(TEXT) + b"x", "br", "is not br: "),
        (brotli.compress(bytes(1_001)), "br", "has more than 1000 bytes"),
        (brotli.compress(bytes(10_000_000), quality=1), "br", "has more than 1000 bytes"),
        (TEXT, "zstd", "is not zstd: "),
        (zstd.compress(TEXT)[:-1], "zstd", "ends too early"),
        (zstd.compress(TEXT) + b"x" * 9, "zstd", "is not zstd: "),
        (zstd.compress(bytes(600)) * 2, "zstd", "has more than 1000 bytes"),
        (zstd.compress(bytes(10_000_000)), "zstd", "has more than 1000 bytes"),
        (ZSTD_16_MIB, "zstd", "is not zstd: "),
        (zstd.compress(b"") * 2_000, "zstd", "has more than 1000 compressed parts"),
        (zipped(b"") * 2_000, "gzip", "has more than 1000 compressed parts"),
        (TEXT, "dcb", "is coded as 'dcb', and only br, deflate, gzip, x-gzip, zstd can be read"),
        (TEXT, "x" * 1_000, "is coded as 'xxxx"),
        (TEXT, "gzip, gzip, gzip, gzip, gzip, gzip", "is coded 6 times in a row"),
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
