"""A Python scenario's request as bytes, refused where it would be read as more than one request.

httpx sends a header's value as it is given, line ends included; h11 would refuse it, and our own
connections have no h11.
Add here: a rule about what may stand in a request's head. Keep out: sending (transport.py),
requests of steps (workloads/steps/writing.py).
"""

import re
from functools import lru_cache
from typing import Final

import httpx

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_VALUE: Final = rb"[\t -~\x80-\xff]*"
_HEAD: Final = re.compile(rb"%b [!-~]+ HTTP/1\.1\r\n(?:%b: %b\r\n)*" % (_TOKEN, _TOKEN, _VALUE))


async def written(request: httpx.Request) -> bytes:
    """Write a request; a body of unknown length is read first and sent with its length.

    Raises:
        ValueError: the method, or a header's name or value, is none; no value is repeated.
    """
    try:
        body = request.content
    except httpx.RequestNotRead:
        body = await request.aread()
    return b"%b\r\n%b" % (head_of(request, body), body)


def head_of(request: httpx.Request, body: bytes) -> bytes:
    """Write a request's head, without the empty line.

    Raises:
        ValueError: the method, or a header's name or value, is none; no value is repeated.
    """
    method = request.method.encode("ascii", "replace")
    lines = [method, b" ", request.url.raw_path, b" HTTP/1.1\r\n"]
    for name, value in request.headers.raw:
        if name.lower() == b"transfer-encoding":
            lines += (b"Content-Length: %d\r\n" % len(body),)
        else:
            lines += (name, b": ", value, b"\r\n")
    head = b"".join(lines)
    # A line end in a value makes lines that look right, and a colon in a name moves its end.
    ends, names = head.count(b"\n"), (name for name, _ in request.headers.raw)
    if (
        not _HEAD.fullmatch(head)
        or ends != 1 + len(request.headers.raw)
        or not all(map(_is_name, names))
    ):
        raise ValueError(f"{_fault_of(method, request.headers.raw)}; nothing was sent")
    return head


@lru_cache(maxsize=1_024)
def _is_name(name: bytes) -> bool:
    return re.fullmatch(_TOKEN, name) is not None


def _fault_of(method: bytes, headers: list[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        shown = name.decode("latin-1")
        if not _is_name(name):
            return f"{shown!r} is not a valid name of a header (RFC 9110, 5.6.2)"
        if not re.fullmatch(_VALUE, value):
            return (
                f"the value of the header {shown!r} contains a line end or another control "
                "character, which a header can't carry (the value is not shown here)"
            )
    return f"{method.decode('ascii')!r} is not a valid method of HTTP (RFC 9110, 9.1)"
