"""Remove the shared memory that a PostgreSQL killed with kill -9 left behind, and no other's.

A killed postmaster leaves a System V segment and files /dev/shm/PostgreSQL.<number>. The segment's
number stands in postmaster.pid; the segment itself names the data folder (device and inode) and
the file that lists the other files. Layouts: PGShmemHeader (storage/pg_shmem.h) and
dsm_control_header (storage/ipc/dsm.c), the same from PostgreSQL 9.4 to 18.
Add here: what a newer PostgreSQL leaves. Keep out: processes (they have ended before).
"""

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from perf_pipeline.stack.postgres_data import LOCK

_SEGMENTS: Final = Path("/proc/sysvipc/shm")
_FILES: Final = Path("/dev/shm")  # noqa: S108 - where shm_open keeps them on Linux
# magic, creator, total size, free offset, control handle, index, device, inode
_HEADER: Final = struct.Struct("@iiQQIPQQ")
_HEADER_MAGIC: Final = 679834894
_CONTROL: Final = struct.Struct("@III")  # magic, items, most items
_CONTROL_MAGIC: Final = 0x9A503D32
_ITEM: Final = struct.Struct("@IIQQPB7x")  # handle, references, first page, pages, -, pinned
_READ_ONLY: Final = 0o10000
_REMOVE: Final = 0
_FAILED: Final = ctypes.c_void_p(-1).value


def clear_shared_memory(home: Path) -> list[str]:
    """Remove what the dead server of a data folder left, and return the names of it.

    Nothing where a process still has the segment attached, or where it is another folder's.
    """
    with suppress(OSError, ValueError, IndexError, struct.error):
        lines = (home / LOCK).read_text(encoding="ascii", errors="replace")
        segment = int(lines.splitlines()[6].split()[1])
        if segment in set(_unattached()):
            return _clear(segment, home.stat())
    return []


def _unattached() -> Iterator[int]:
    head, *rows = (line.split() for line in _SEGMENTS.read_text(encoding="ascii").splitlines())
    number, attached = head.index("shmid"), head.index("nattch")
    yield from (int(row[number]) for row in rows if row[attached] == "0")


def _clear(segment: int, folder: os.stat_result) -> list[str]:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    address = libc.shmat(segment, None, _READ_ONLY)
    if address in {None, _FAILED}:
        return []
    try:
        magic, *_, control, _, device, inode = _HEADER.unpack(
            ctypes.string_at(address, _HEADER.size)
        )
    finally:
        libc.shmdt(ctypes.c_void_p(address))
    if (magic, device, inode) != (_HEADER_MAGIC, folder.st_dev, folder.st_ino):
        return []
    removed = [path.name for path in _files(control) if _unlink(path)]
    libc.shmctl(segment, _REMOVE, None)
    return [f"shared memory segment {segment}", *removed]


def _files(control: int) -> Iterator[Path]:
    """Return the files that the control file lists, and itself last."""
    path = _FILES / f"PostgreSQL.{control}"
    with suppress(OSError, struct.error):
        content = path.read_bytes()
        magic, items, most = _CONTROL.unpack_from(content)
        if magic == _CONTROL_MAGIC:
            begin = -(-_CONTROL.size // 8) * 8
            for number in range(min(items, most)):
                handle, *_ = _ITEM.unpack_from(content, begin + number * _ITEM.size)
                yield _FILES / f"PostgreSQL.{handle}"
    yield path


def _unlink(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True
