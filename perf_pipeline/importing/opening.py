"""Open a file of another tool, compressed or not, and know it again by its contents.

Add here: another kind of compression. Keep out: what is in the file.
"""

import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Final

from perf_pipeline.store.imports.foreign import ForeignFileError

_GZIP: Final = b"\x1f\x8b"
_WBITS_OF_GZIP: Final = 31  # zlib.h: 16 more than the largest window for a head of gzip
_BLOCK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Opened:
    """Hold a file that can be read.

    Attributes:
        shown: the file as it was named.
        plain: the file without compression.
        digest: SHA-256 of its contents without compression, hexadecimal.
        is_cut: its compressed data ends too early.
    """

    shown: Path
    plain: Path
    digest: str
    is_cut: bool = False


def opened(path: Path, plain: Path) -> Opened:
    """Return a file that can be read, which is another one where it is compressed.

    Args:
        path: the path of the file.
        plain: where it is unpacked to.

    Raises:
        ForeignFileError: it is not there, no file, empty, or damaged.
    """
    with readable(path), path.open("rb") as file:
        is_packed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        return _unpacked(path, file, plain) if is_packed else _unchanged(path, file)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in a sentence why a file of another tool can't be opened.

    Raises:
        ForeignFileError: it is not there, or no file.
    """
    try:
        yield
    except IsADirectoryError as error:
        raise ForeignFileError(path, "it is a folder; name a file") from error
    except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
        raise ForeignFileError(path, f"it can't be read: {error.strerror}") from error


def _unchanged(path: Path, file: BufferedReader) -> Opened:
    digest = hashlib.file_digest(file, "sha256")
    if not file.tell():
        raise ForeignFileError(path, "it is empty")
    return Opened(path, path, digest.hexdigest())


def _unpacked(path: Path, packed: BufferedReader, plain: Path) -> Opened:
    digest, is_cut = hashlib.sha256(), False
    with plain.open("wb") as target:
        try:
            for piece, is_end in _pieces(packed):
                digest.update(piece)
                target.write(piece)
                is_cut = not is_end
        except zlib.error as error:
            raise ForeignFileError(path, f"its gzip data is damaged: {error}") from error
    if not plain.stat().st_size:
        raise ForeignFileError(path, "it is empty")
    return Opened(path, plain, digest.hexdigest(), is_cut)


def _pieces(packed: BufferedReader) -> Iterator[tuple[bytes, bool]]:
    """Yield what was compressed, and whether a member of the file ends with it.

    Python's gzip gives nothing of the last piece of a file that was cut off.
    """
    member = zlib.decompressobj(_WBITS_OF_GZIP)
    while piece := packed.read(_BLOCK_BYTES):
        while piece:
            if member.eof:
                member = zlib.decompressobj(_WBITS_OF_GZIP)
            yield member.decompress(piece, _BLOCK_BYTES), member.eof
            piece = member.unconsumed_tail or member.unused_data
