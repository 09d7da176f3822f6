"""The proof that a spool file is as it was written: its size, its rows and its checksum.

The checksum is zlib's CRC-32 (ISO 3309), which finds every flipped bit and every cut, costs 0.1 ms
per mebibyte and is computed while writing. A JSON file holds its own checksum as its last member.

Add here: another fact about a file as a whole. Keep out: files and disks (engine/ and store/).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from zlib import crc32

from perf_pipeline.metrics.spool_rows import (
    ITERATION_ROWS,
    ROWS_SUFFIX,
    SAMPLE_ROWS,
    RowLayout,
)

SEAL_PREFIX: Final = "seal-"
MANIFEST_FILE: Final = "manifest.json"
_LAYOUTS: Final[Mapping[str, RowLayout]] = MappingProxyType(
    {"samples": SAMPLE_ROWS, "iterations": ITERATION_ROWS}
)
_SEAL: Final = re.compile(rb',\n "crc32": "([0-9a-f]{8})"\n\}\Z')
# Whatever looks like a seal counts as one, so that a damaged seal is not mistaken for none.
_TRACE: Final = re.compile(rb'crc|"[0-9a-f]{8}"\s*\}\s*\Z')
_SEAL_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Hold what must be true of a closed file.

    Attributes:
        size_bytes: size of the whole file.
        rows: number of packed rows, or of lines after the header.
        crc32: checksum of the file; for packed rows, whose head is written last, of the rows and
            then the head.
    """

    size_bytes: int
    rows: int
    crc32: int

    def to_json(self) -> list[int]:
        """Write the facts for a seal or a manifest."""
        return [self.size_bytes, self.rows, self.crc32]

    @classmethod
    def from_json(cls, values: object) -> "FileFacts":
        """Read what `to_json` wrote.

        Raises:
            ValueError: the values are something else.
        """
        if isinstance(values, list) and len(values) == 3 and all(type(n) is int for n in values):
            return cls(*values)
        raise ValueError(f"{str(values)[:40]} are no facts of a file")


class RunningFacts:
    """Sum up a file, piece by piece in order, while it is written or read.

    Args:
        name: name of the file.
    """

    __slots__ = ("_crc", "_layout", "_lines", "_size_bytes")

    def __init__(self, name: str) -> None:
        self._layout = layout_of(name)
        self._size_bytes = 0
        self._lines = 0
        self._crc = 0

    def add(self, piece: bytes) -> None:
        """Take the next piece; of packed rows, a piece without the head."""
        self._size_bytes += len(piece)
        self._crc = crc32(piece, self._crc)
        if self._layout is None:
            self._lines += piece.count(b"\n")

    def closed(self, head: bytes = b"") -> FileFacts:
        """Return the facts of the file that ends here.

        Args:
            head: the final head of packed rows.
        """
        if self._layout is None:
            return FileFacts(self._size_bytes, max(0, self._lines - 1), self._crc)
        rows = self._size_bytes // self._layout.packing.size
        return FileFacts(self._size_bytes + len(head), rows, crc32(head, self._crc))


def layout_of(name: str) -> RowLayout | None:
    """Return the layout of a file of packed rows by its name; None for any other file."""
    return _LAYOUTS.get(name.partition("-")[0]) if name.endswith(ROWS_SUFFIX) else None


def sealed(text: str) -> str:
    """Write a JSON object with its checksum as the last member."""
    body = text.rstrip().removesuffix("}").rstrip()
    return f'{body},\n "crc32": "{crc32(body.encode()):08x}"\n}}'


def unsealed(data: bytes) -> tuple[str, bool]:
    """Return a JSON text without its seal, and say whether it had one.

    Raises:
        ValueError: its seal does not fit, or the text is not UTF-8.
    """
    match = _SEAL.search(data, max(0, len(data) - _SEAL_BYTES))
    if match is None:
        if _TRACE.search(data, max(0, len(data) - 2 * _SEAL_BYTES)):
            raise ValueError("its checksum is damaged")
        return data.decode(), False
    body = data[: match.start()]
    found, told = crc32(body), int(match[1], 16)
    if found != told:
        raise ValueError(f"its checksum is {found:08x} instead of {told:08x}")
    return f"{body.decode()}\n}}", True
