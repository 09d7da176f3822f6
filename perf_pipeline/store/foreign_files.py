"""Say what a file is that DuckDB does not open as the history.

A file of a newer version is whole: whoever calls it damaged makes people throw it away.
Add here: another kind of file that lies where the history should. Keep out: permissions and disks
(access.py).
"""

import re
from pathlib import Path
from typing import Final

import duckdb

from perf_pipeline.errors import StoreError

_VERSIONS: Final = re.compile(
    r"storage version number (?P<found>\d+).*?between (?P<oldest>\d+) and (?P<newest>\d+)",
    re.DOTALL,
)
_SHORT: Final = "Could not read enough bytes"
_DAMAGED: Final = "{file} is damaged or not a DuckDB file: {message}"
_MOVE_HINT: Final = (
    "move it away and run `perf-pipeline ingest <run>` for each run that is still in the spool"
)
_WAL_HINT: Final = (
    "the history without it is whole up to its last checkpoint: move {wal} away, and run "
    "`perf-pipeline ingest <run>` for the newest runs"
)
_SNIFFED_BYTES: Final = 64


def not_opened(path: Path, message: str, full_message: str) -> StoreError:
    """Return the error of a file that is there, and that DuckDB refuses.

    Args:
        path: the path of the file.
        message: the first line of what DuckDB says.
        full_message: all of it.
    """
    versions = _VERSIONS.search(full_message)
    if versions is not None:
        return _of_another_version(path, *map(int, versions.groups()))
    wal = path.with_name(f"{path.name}.wal")
    if "wal" in message.lower() and wal.exists():
        return StoreError(
            _DAMAGED.format(file=wal, message=message), hint=_WAL_HINT.format(wal=wal.name)
        )
    what = _what_it_is(path, message)
    return StoreError(_DAMAGED.format(file=path, message=what or message), hint=_MOVE_HINT)


def _of_another_version(path: Path, found: int, oldest: int, newest: int) -> StoreError:
    age = "a newer" if found > newest else "an older"
    remedy = (
        "upgrade perf_pipeline to the version that wrote it"
        if found > newest
        else "open it with the version of perf_pipeline that wrote it"
    )
    return StoreError(
        f"{path} was written by {age} DuckDB: it has storage version {found}, and DuckDB "
        f"{duckdb.__version__} reads {oldest} to {newest}; nothing in it is damaged",
        hint=f"{remedy}, or name another state folder",
    )


def _what_it_is(path: Path, message: str) -> str:
    """Name a kind of file by its beginning; empty when it may be a DuckDB file."""
    try:
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            begin = file.read(_SNIFFED_BYTES)
    except OSError:
        return ""
    if not begin:
        return "it is empty"
    if begin.startswith(b"SQLite format 3\0"):
        return "it is an SQLite database"
    if begin.isascii() and all(byte >= 32 or byte in b"\t\r\n" for byte in begin):
        return f"it is a text that begins with {begin.decode().splitlines()[0][:40]!r}"
    return f"it was cut short to {size_bytes:,} bytes" if _SHORT in message else ""
