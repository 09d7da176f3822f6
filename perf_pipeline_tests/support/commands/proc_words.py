"""Let this process show other words and another environment in /proc, as if it were a new one.

Who looks for a process by its command line, or by a variable that it was given, finds a fork, too.
Add here: nothing. Keep out: forks (forked_children.py).
"""

import ctypes
import mmap
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_PR_SET_MM: Final = 35
_PR_SET_MM_MAP: Final = 14
_AS_IT_IS: Final = 2**32 - 1
# Fields of /proc/self/stat, counted from 1 as in proc(5), in the order of prctl_mm_map (prctl(2)).
_CODE_AND_DATA: Final = (26, 27, 45, 46, 47)
_STACK: Final = 28
_WORDS: Final = (48, 49)
_ENVIRONMENT: Final = (50, 51)
_KEPT: Final[list[mmap.mmap]] = []  # the kernel reads them for whoever asks


class _Places(ctypes.Structure):
    """Hold `struct prctl_mm_map`: eleven addresses, a vector that stays, and a file that stays."""

    _fields_ = (
        ("addresses", ctypes.c_uint64 * 11),
        ("vector", ctypes.c_void_p),
        ("vector_bytes", ctypes.c_uint32),
        ("program", ctypes.c_uint32),
    )


def can_show() -> bool:
    """Say whether this system lets a process choose what it shows."""
    return sys.platform == "linux" and _put((*_fields(_WORDS), *_fields(_ENVIRONMENT)))


def show(words: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Show a command line and an environment; say whether the system took them."""
    told = _joined(words)
    variables = _joined([f"{name}={text}" for name, text in environment.items()])
    # Private, because the kernel shows no memory that others may share.
    held = mmap.mmap(-1, len(told) + len(variables), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    held.write(told + variables)
    _KEPT.append(held)
    first = ctypes.addressof(ctypes.c_char.from_buffer(held))
    middle = first + len(told)
    return _put((first, middle, middle, middle + len(variables)))


def _joined(texts: Sequence[str]) -> bytes:
    return b"".join(text.encode(errors="surrogateescape") + b"\0" for text in texts)


def _fields(numbers: Sequence[int]) -> list[int]:
    # The name of the program (field 2) may hold spaces and brackets.
    behind = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return [int(behind[number - 3]) for number in numbers]


def _put(shown: Sequence[int]) -> bool:
    process = ctypes.PyDLL(None)
    process.sbrk.restype = ctypes.c_void_p
    places = _Places(program=_AS_IT_IS)
    places.addresses[:] = [
        *_fields(_CODE_AND_DATA),
        int(process.sbrk(0)),
        *_fields([_STACK]),
        *shown,
    ]
    size = ctypes.c_ulong(ctypes.sizeof(places))
    given = (ctypes.c_ulong(_PR_SET_MM_MAP), ctypes.byref(places), size, ctypes.c_ulong(0))
    return bool(process.prctl(_PR_SET_MM, *given) == 0)
