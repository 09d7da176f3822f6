"""Heads of HTTP/1.1 responses that are not as they should be: which are read, and what is wrong.

What h11 (httpx) and browsers read is read; llhttp's leniencies do most of it (http1.py). Here
is what they leave: several Content-Lengths that agree (RFC 9112, 6.3), and the line to tell of.
Add here: another oddity of heads. Keep out: the parser's callbacks (http1.py).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from perf_pipeline.workloads.http.wire import shown

_END: Final = re.compile(rb"\n\r?\n")
_STATUS_LINE: Final = re.compile(rb"HTTP/[0-9]\.[0-9] [1-9][0-9]{2}( [^\x00\r\n]*)?")
_FIELD: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\x00\r]*")
_LENGTH: Final = re.compile(rb"\s*([0-9]{1,18})\s*")
_LENGTH_NAME: Final = b"content-length:"
_CODING_NAME: Final = b"transfer-encoding"
_BLANKS: Final = (b" ", b"\t")
_TLS_RECORDS: Final = (b"\x15\x03", b"\x16\x03")  # alert, handshake (RFC 8446, 5.1)
_LOWEST_STATUS: Final = 100


def is_tls_record(data: bytes) -> bool:
    """Say whether an answer to a plain request begins as TLS does."""
    return data.startswith(_TLS_RECORDS)


def has_end(data: bytes) -> bool:
    """Say whether a head is there as a whole."""
    return _END.search(data) is not None


def with_one_length(data: bytes) -> bytes | None:
    """Return a response whose equal Content-Lengths are one; None where it has one, or they differ.

    Args:
        data: begins with the head, which is complete.
    """
    found = _END.search(data)
    if found is None:
        return None
    lines = data[: found.start()].split(b"\n")
    lengths = [line for line in lines if line.lower().startswith(_LENGTH_NAME)]
    values = [length for line in lengths for length in line[len(_LENGTH_NAME) :].split(b",")]
    numbers = {int(match[1]) if match else None for match in map(_LENGTH.fullmatch, values)}
    if len(values) < 2 or len(numbers) > 1 or None in numbers:
        return None
    kept = [line for line in lines if line not in lengths]
    kept.append(b"Content-Length: %d" % (numbers.pop() or 0))
    return b"\n".join(kept) + data[found.start() :]


def fault_of_head(data: bytes, reason: str) -> str:
    """Name the line of a head that can't be read, or else what the parser says of it."""
    for line in _faulty_lines(data):
        return shown(line)
    return f"{shown(data)} ({reason})" if not has_end(data) else reason


def fault_of_fields(status: int, fields: Sequence[tuple[bytes, bytes]]) -> str:
    """Name a header, or a status, that only this parser takes; mostly empty.

    A body in another transfer coding than `chunked` would be taken for its content. llhttp refuses
    a blank before a colon, but not behind the few names that it knows.
    """
    if status < _LOWEST_STATUS:
        return f"status {status:03}"
    if b"\0" in b"".join([value for _, value in fields]):
        return next(shown(b"%b: %b" % pair) for pair in fields if b"\0" in pair[1])
    for name, value in fields:
        if name.endswith(_BLANKS):
            return shown(b"%b: %b" % (name, value))
        is_coding = len(name) == len(_CODING_NAME) and name.lower() == _CODING_NAME
        if is_coding and {coding.strip() for coding in value.lower().split(b",")} != {b"chunked"}:
            return shown(b"%b: %b" % (name, value))
    return ""


def _faulty_lines(data: bytes) -> Iterator[bytes]:
    found = _END.search(data)
    head = data[: found.start()] if found else data
    first, *rest = (line.removesuffix(b"\r") for line in head.lstrip(b"\r\n").split(b"\n"))
    if not _STATUS_LINE.fullmatch(first):
        yield first
    lengths = list[bytes]()
    for line in rest:
        is_folded = line[:1] in {b" ", b"\t"}
        if line and not is_folded and not _FIELD.fullmatch(line):
            yield line
        if line.lower().startswith(_LENGTH_NAME):
            lengths.append(line)
    if lengths:
        yield b", ".join(lengths)
