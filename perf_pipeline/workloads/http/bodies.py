"""Decode the bodies of responses only when they are read.

A body is kept as it arrived, so that its size is that on the wire, and a load that reads no bodies
does not pay for decoding.
Add here: another content coding (RFC 9110, 8.4.1). Keep out: the meaning of a body (JSON, text).
"""

import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import brotli

from perf_pipeline.workloads.http.result import HttpResult

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_NAME: Final = b"content-encoding"
_MOST_CODINGS: Final = 5
_MOST_PARTS: Final = 1_000
_MOST_SHOWN: Final = 40
_AUTO: Final = 32 + zlib.MAX_WBITS  # gzip or zlib, depending on the body's first bytes
_RAW: Final = -zlib.MAX_WBITS
_GZIP_MAGIC: Final = b"\x1f\x8b"
_IDENTITY: Final = "identity"
_ZSTD_OPTIONS: Final[Mapping[int, int]] = MappingProxyType(
    {zstd.DecompressionParameter.window_log_max: 23}  # 8 MiB (RFC 9659)
)


class UnreadableBodyError(ValueError):
    """Say why a body can't be read; the sentence continues after "its body"."""


def without_coding(
    body: bytes, headers: Sequence[tuple[bytes, bytes]], *, most_bytes: int
) -> bytes:
    """Return a body without compression.

    Args:
        body: the body as it arrived; an empty one has no coding, whatever the head says.
        headers: the headers of the response.
        most_bytes: the largest size of the result; a small body can hold gigabytes of zeros.

    Raises:
        UnreadableBodyError: the body is not what its head says, or is too large.
    """
    if not body:
        return body
    for coding in reversed(content_codings(headers)):
        decode = _DECODERS.get(coding)
        if decode is None:
            known = ", ".join(sorted(_DECODERS))
            raise UnreadableBodyError(
                f"is coded as {coding[:_MOST_SHOWN]!r}, and only {known} can be read here"
            )
        try:
            body = decode(body, most_bytes)
        except (zlib.error, brotli.error, zstd.ZstdError) as error:
            raise UnreadableBodyError(f"is not {coding}: {error}") from None
    return body


def plain_body(result: HttpResult, *, most_bytes: int) -> bytes:
    """Return the body of a response without its content coding.

    Raises:
        UnreadableBodyError: the body is longer than the kept part, or is not in its coding.
    """
    if result.is_cut:
        raise UnreadableBodyError(
            f"has more than {most_bytes} bytes, which is all that is kept (keptBodyBytes)"
        )
    return without_coding(result.body, result.headers, most_bytes=most_bytes)


def content_codings(headers: Sequence[tuple[bytes, bytes]]) -> list[str]:
    """Return the codings in the order in which they were applied; mostly none.

    Raises:
        UnreadableBodyError: there are too many.
    """
    codings = [coding for coding in _listed(headers) if coding and coding != _IDENTITY]
    if len(codings) > _MOST_CODINGS:
        raise UnreadableBodyError(f"is coded {len(codings)} times in a row")
    return codings


def _listed(headers: Sequence[tuple[bytes, bytes]]) -> Iterator[str]:
    for name, value in headers:
        if len(name) == len(_NAME) and name.lower() == _NAME:
            yield from (coding.strip().lower() for coding in value.decode("latin-1").split(","))


def _gunzip(body: bytes, most_bytes: int) -> bytes:
    """Read all members of a gzip body (RFC 1952, 2.2); anything after the last one is ignored."""
    plain, rest = _inflated(body, _AUTO, most_bytes)
    parts, size = [plain], len(plain)
    while rest.startswith(_GZIP_MAGIC):
        _expect_few(parts)
        plain, rest = _inflated(rest, _AUTO, most_bytes, size)
        parts.append(plain)
        size += len(plain)
    return b"".join(parts)


def _inflate(body: bytes, most_bytes: int) -> bytes:
    """Read zlib's format, or the bare one that some servers send (RFC 9110, 8.4.1.2)."""
    try:
        return _inflated(body, zlib.MAX_WBITS, most_bytes)[0]
    except zlib.error:
        return _inflated(body, _RAW, most_bytes)[0]


def _inflated(
    body: bytes, format_bits: int, most_bytes: int, earlier_bytes: int = 0
) -> tuple[bytes, bytes]:
    """Return the content of a compressed stream, and the bytes after it."""
    stream = zlib.decompressobj(format_bits)
    plain = stream.decompress(body, most_bytes - earlier_bytes + 1)
    _expect_whole(len(plain) + earlier_bytes, most_bytes, is_at_end=stream.eof)
    return plain, stream.unused_data


def _unbrotli(body: bytes, most_bytes: int) -> bytes:
    """Read a brotli stream (RFC 7932)."""
    stream = brotli.Decompressor()
    plain: bytes = stream.process(body, output_buffer_limit=most_bytes + 1)
    _expect_whole(len(plain), most_bytes, is_at_end=stream.is_finished())
    return plain


def _unzstd(body: bytes, most_bytes: int) -> bytes:
    """Read all frames of a Zstandard body (RFC 8878, 3)."""
    parts: list[bytes] = []
    size = 0
    while body:
        _expect_few(parts)
        frame = zstd.ZstdDecompressor(options=dict(_ZSTD_OPTIONS))
        plain = frame.decompress(body, most_bytes - size + 1)
        size += len(plain)
        _expect_whole(size, most_bytes, is_at_end=frame.eof)
        parts.append(plain)
        body = frame.unused_data
    return b"".join(parts)


def _expect_few(parts: Sequence[bytes]) -> None:
    """Refuse a body with very many parts, because copying the rest after each may take hours."""
    if len(parts) == _MOST_PARTS:
        raise UnreadableBodyError(f"has more than {_MOST_PARTS} compressed parts")


def _expect_whole(plain_bytes: int, most_bytes: int, *, is_at_end: bool) -> None:
    if plain_bytes > most_bytes:
        raise UnreadableBodyError(
            f"has more than {most_bytes} bytes when it is decompressed (keptBodyBytes)"
        )
    if not is_at_end:
        raise UnreadableBodyError("is compressed, but ends too early")


_DECODERS: Final[Mapping[str, Callable[[bytes, int], bytes]]] = MappingProxyType(
    {
        "gzip": _gunzip,
        "x-gzip": _gunzip,
        "deflate": _inflate,
        "br": _unbrotli,
        "zstd": _unzstd,
    }
)
