"""Damage to bytes, as editors, disks, other encodings and cut downloads do it.

Add here: another kind of damage. Keep out: what the bytes mean.
"""

import random
from collections.abc import Callable
from typing import Final

_PIECES: Final = (
    b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc3", b"\xe9", b"\r", b"\n",
    b"\t", b"\x1b[2J", b"\x7f", "\u202e".encode(), "\u2028".encode(), "é世".encode(), b'"', b"'",
    b'"""', b"[[", b"]", b"{", b"}", b"=", b",", b"#", b"\\", b"\\u", b"${", b"-", b"9" * 5_000,
    b"[" * 5_000, b"x" * 20_000, b"nan", b"inf", b"1e999", b"0x", b"true", b"1979-05-27",
)  # fmt: skip


def damaged(chance: random.Random, data: bytes) -> bytes:
    """Give the bytes with one to four damages."""
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(_DAMAGES)(chance, data)
    return data


def _flipped(chance: random.Random, data: bytes) -> bytes:
    if not data:
        return data
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]


def _inserted(chance: random.Random, data: bytes) -> bytes:
    place = chance.randint(0, len(data))
    return data[:place] + chance.choice(_PIECES) + data[place:]


def _replaced(chance: random.Random, data: bytes) -> bytes:
    begin, end = _span(chance, data)
    return data[:begin] + chance.choice(_PIECES) + data[end:]


def _lost(chance: random.Random, data: bytes) -> bytes:
    begin, end = _span(chance, data)
    return data[:begin] + data[end:]


def _doubled(chance: random.Random, data: bytes) -> bytes:
    begin, end = _span(chance, data)
    return data[:end] + data[begin:]


def _cut(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randint(0, len(data))]


def _encoded(chance: random.Random, data: bytes) -> bytes:
    encoding = chance.choice(("utf-16", "utf-16-le", "utf-32", "latin-1", "utf-8-sig", "utf-7"))
    return data.decode("utf-8", "replace").encode(encoding, "replace")


def _with_other_ends(chance: random.Random, data: bytes) -> bytes:
    return data.replace(b"\n", chance.choice((b"\r\n", b"\r", b"\n\n", b"\x0b", b"\x85", b"")))


def _span(chance: random.Random, data: bytes) -> tuple[int, int]:
    begin = chance.randint(0, len(data))
    return begin, min(len(data), begin + chance.choice((1, 3, 20, 200)))


_DAMAGES: Final[tuple[Callable[[random.Random, bytes], bytes], ...]] = (
    *(_flipped, _inserted, _inserted, _inserted, _replaced, _replaced, _lost, _doubled),
    *(_cut, _encoded, _with_other_ends),
)
