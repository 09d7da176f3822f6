"""Distinguish refusals of the machine from bugs of this program.

The number of an OSError says what was refused, and the path says who caused it: if a file is
missing from an existing folder, this program forgot it; if the folder is gone, somebody removed it.
Only the former is a bug.
Add here: another refusal. Keep out: sentences about errors that are already handled.
"""

import errno
import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from perf_pipeline.errors import is_thread_refused
from perf_pipeline.quoting import on_one_line

_OURS: Final = Path(__file__).resolve().parent.parent
_LIBRARY: Final = re.compile(r"\.so[.:\d]*\b|shared object")
# Limits and devices, where any refusal comes from the machine.
_ALWAYS: Final = frozenset(
    {
        errno.EAGAIN,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EIO,
        errno.EMFILE,
        errno.ENAMETOOLONG,
        errno.ENFILE,
        errno.ENODEV,
        errno.ENOLCK,
        errno.ENOMEM,
        errno.ENOSPC,
        errno.ENXIO,
        errno.EROFS,
        errno.ESTALE,
        errno.ETXTBSY,
        errno.EACCES,
        errno.EPERM,
    }
)


def refusal_of(error: Exception) -> str | None:
    """Say what the machine refused; None if this program is the cause."""
    match error:
        case OSError() if is_refusal(error):
            return sentence_of(error)
        case MemoryError():
            return "this process got no more memory; give it more, or ask for less at once"
        case ImportError() if is_unloadable(error):
            return f"a library can't be loaded: {reason_of(error)}"
        case RuntimeError() if is_thread_refused(error):
            return (
                "the system refuses another thread; raise the limit of processes (`ulimit -u`, or "
                "the container's), or give this process more memory"
            )
    return None


def is_refusal(error: OSError) -> bool:
    """Say whether the machine is the cause, and not this program.

    An error without a file name, and with a number that does not only mean the machine, is a bug.
    """
    if error.errno in _ALWAYS:
        return True
    if not isinstance(error.filename, str | bytes):
        return error.errno == errno.ENOENT and _has_lost_its_folder()
    decides = _BY_PLACE.get(error.errno or 0)
    path = Path(os.fsdecode(error.filename))
    return decides is not None and _OURS not in path.absolute().parents and decides(path)


def is_unloadable(error: ImportError) -> bool:
    """Say whether a library exists but can't be loaded, mostly because of too little memory."""
    return not (error.name or "").startswith(_OURS.name) and _LIBRARY.search(str(error)) is not None


def reason_of(error: ImportError) -> str:
    """Return the line of an error that names the library, with a remedy."""
    lines = [line for line in str(error).splitlines() if _LIBRARY.search(line)]
    return f"{on_one_line(lines[-1], 300)}; give it more memory, or install perf_pipeline again"


def sentence_of(error: OSError) -> str:
    """Say what the machine refused, and for which file."""
    reason = error.strerror or type(error).__name__
    if error.filename:
        return f"{on_one_line(os.fsdecode(error.filename), 300)} can't be used: {reason}"
    if _has_lost_its_folder():
        return "the current folder is no longer there; change into one that is"
    return f"the system refuses to go on: {reason}"


def _has_lost_its_folder() -> bool:
    try:
        Path.cwd()
    except OSError:
        return True
    return False


def _lies_nowhere(path: Path) -> bool:
    """Say whether the folder of a file is gone, or leads nowhere, or the file is a dead link."""
    mode = _mode_of(path.parent)
    return mode is None or not stat.S_ISDIR(mode) or path.is_symlink() or _has_lost_its_folder()


def _is_no_folder(path: Path) -> bool:
    mode = _mode_of(path)
    return mode is not None and not stat.S_ISDIR(mode)


def _is_folder(path: Path) -> bool:
    mode = _mode_of(path)
    return mode is not None and stat.S_ISDIR(mode)


def _any(_: Path) -> bool:
    return True


def _mode_of(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except OSError:
        return None


_BY_PLACE: Final[Mapping[int, Callable[[Path], bool]]] = MappingProxyType(
    {
        errno.ENOENT: _lies_nowhere,
        errno.EEXIST: _is_no_folder,
        errno.EISDIR: _is_folder,
        errno.ENOTDIR: _any,
        errno.ELOOP: _any,
        errno.ENOTEMPTY: _any,
    }
)
