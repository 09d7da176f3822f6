"""Remember parsed heads of responses: the same bytes have the same meaning again.

A target's answers differ little, and parsing one takes 0.9 us, more than a tenth of what a request
costs this process. So the head of an answer that came whole, in one piece, with its Content-Length,
is remembered with what llhttp said of it. Where the next answer begins with the very same bytes
and has as many after them, nothing is left to find out. Everything else goes to the parser.

Add here: another form of answer that can be recognised at once. Keep out: the parser (http1.py).
"""

from typing import Final

_MOST: Final = 1_024
_END: Final = b"\r\n\r\n"


class Head:
    """Hold what a head means; a class of its own, because compiled code reads a tuple slowly.

    Args:
        text: its bytes, the empty line included.
        status: the status of the final response.
        headers: as received.
        body_bytes: what follows it.

    Attributes:
        head_bytes: length of its text.
    """

    __slots__ = ("body_bytes", "head_bytes", "headers", "status", "text")

    def __init__(
        self, text: bytes, status: int, headers: tuple[tuple[bytes, bytes], ...], body_bytes: int
    ) -> None:
        self.text, self.status, self.headers = text, status, headers
        self.head_bytes, self.body_bytes = len(text), body_bytes


KNOWN_HEADS: Final[dict[bytes, Head]] = {}
"""By their bytes, the empty line included; shared by all connections of a worker."""


def remember(piece: bytes, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    """Remember the head of a piece that was one whole answer and left the connection open.

    It is not, where something else than its Content-Length says how long it is, or where an
    interim response came in front.

    Args:
        piece: as it was received, not an answer to a HEAD.
        status: the status of the final response.
        headers: the headers of the final response.
    """
    end = piece.find(_END) + len(_END)
    lengths = [value for name, value in headers if name.lower() == b"content-length"]
    is_plain = all(name.lower() != b"transfer-encoding" for name, _ in headers)
    if is_plain and lengths == [b"%d" % (len(piece) - end)]:
        if len(KNOWN_HEADS) >= _MOST:
            KNOWN_HEADS.clear()
        text = piece[:end]
        KNOWN_HEADS[text] = Head(text, status, tuple(headers), len(piece) - end)
