"""Reads a profile, or a file that it names, up to a limit of size; a failure becomes a sentence.

Add here: another limit of such files. Keep out: what the files contain.
"""

import os
import stat
from pathlib import Path
from typing import Final

from perf_pipeline.quoting import shown
from perf_pipeline.spelling import meant

LARGEST_PROFILE_BYTES: Final = 4 << 20
_MOST_NAMES: Final = 1_000
LARGEST_DATA_BYTES: Final = 256 << 20


def read_text(path: Path, most_bytes: int) -> str:
    """Read a whole UTF-8 file, with or without a byte order mark.

    A pipe or a device is refused instead of waited for.

    Raises:
        ValueError: the file does not exist, is no regular file, is too large or is not UTF-8; the
            sentence says which.
    """
    raw = read_bytes(path, most_bytes)
    for mark in (b"\xff\xfe", b"\xfe\xff"):
        if raw.startswith(mark):
            raise ValueError("is written in UTF-16; save it as UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"is not UTF-8: byte 0x{raw[error.start]:02x} in line {line:,}; save it as UTF-8"
        ) from error


def read_bytes(path: Path, most_bytes: int) -> bytes:
    """Read the bytes of a whole file.

    Raises:
        ValueError: as for `read_text`, except that the bytes may be anything.
    """
    try:
        return _read(path, most_bytes)
    except OSError as error:
        reason = error.strerror or error
        there = beside(path) if isinstance(error, FileNotFoundError) else ""
        raise ValueError(f"can't be read: {reason}{there}") from error


def beside(path: Path, ending: str = "") -> str:
    """Suggest a file or folder in the same place with a similar name; empty where there is none.

    Args:
        path: the path of the missing file or folder.
        ending: the ending of the names that may be suggested.
    """
    try:
        names = sorted(entry.name for entry in path.parent.iterdir())
    except OSError:
        return f"; there is no folder {shown(str(path.parent))}"
    return meant(
        path.name, [n for n in names[:_MOST_NAMES] if n.isprintable() and n.endswith(ending)]
    )


def _read(path: Path, most_bytes: int) -> bytes:
    if "\0" in str(path):
        raise ValueError("can't be read: its name contains a NUL")
    with open(path, "rb", opener=_open_file) as file:
        raw = file.read(most_bytes + 1)
    if len(raw) > most_bytes:
        raise ValueError(f"is too large; it may have at most {most_bytes >> 20} MiB")
    return raw


def _open_file(path: str, flags: int) -> int:
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK)
    except UnicodeEncodeError as error:
        raise ValueError("can't be read: its name can't be encoded on this system") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise ValueError(f"is {_kind(mode)}, not a file")
    return descriptor


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    return next((word for is_one, word in kinds if is_one(mode)), "a device")
