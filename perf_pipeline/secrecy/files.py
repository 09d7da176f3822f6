"""Who may read the files of a state folder: their owner, unless a team says otherwise.

Add here: another way of sharing them. Keep out: what the files hold.
"""

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

ACCESS_VARIABLE: Final = "PERF_STATE_ACCESS"
# What the mode of a file loses: nobody but the owner; nobody but the group; what the system says.
_UMASKS: Final = {"owner": 0o077, "group": 0o007, "umask": None}
# Names that a state folder has, so that no folder of somebody's own is closed to others.
_OURS: Final = frozenset(
    {
        *("history.duckdb", "spool", "reports", "live", "logs", "cache", "stacks", "dagster"),
        "load_generator",
    }
)


def access_of(environ: Mapping[str, str]) -> str:
    """Return the wanted access: `owner`, `group` or `umask`.

    Raises:
        ValueError: the variable says something else.
    """
    wanted = environ.get(ACCESS_VARIABLE) or "owner"
    if wanted not in _UMASKS:
        raise ValueError(f"{ACCESS_VARIABLE} is {wanted!r}; it must be one of {', '.join(_UMASKS)}")
    return wanted


def keep_private(state: Path, environ: Mapping[str, str]) -> None:
    """Let only the owner read what is in the state folder, and what processes will make there.

    The files of earlier versions lose what others may do with them. A folder that holds more than
    ours (a home, a project) stays as it is, and so does what belongs to somebody else.

    Args:
        state: may not be there yet.
        environ: PERF_STATE_ACCESS is `owner`, `group`, or `umask` to leave it to the system.

    Raises:
        ValueError: the variable says something else.
    """
    umask = _UMASKS[access_of(environ)]
    if umask is None:
        return
    os.umask(umask)
    with suppress(OSError):
        entries = list(os.scandir(state))
        ours = [entry for entry in entries if _is_ours(entry.name)]
        if len(ours) == len(entries):
            _tighten(state, umask)
        for entry in ours:
            _tighten_all(Path(entry), umask)


def private_folder(folder: Path) -> Path:
    """Make a folder that only its owner can look into, and return it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def intruder_of(folder: Path) -> str | None:
    """Say how somebody else could have put something into a folder; None for one of our own."""
    try:
        found = folder.lstat()
    except OSError:
        return None
    if stat.S_ISLNK(found.st_mode):
        return "is a link"
    if not stat.S_ISDIR(found.st_mode):
        return "is not a folder"
    if found.st_uid != os.geteuid():
        return f"belongs to the user with the number {found.st_uid}"
    if found.st_mode & 0o022:
        return "can be written by others"
    return None


def _is_ours(name: str) -> bool:
    return name in _OURS or name.partition(".")[0] in {"history", "load_generator"}


def _tighten_all(path: Path, umask: int) -> None:
    """Tighten an entry, and its contents too if it was open to others until now."""
    if not _tighten(path, umask) or not path.is_dir():
        return
    for folder, names, files in os.walk(path):
        # PostgreSQL's own folder has modes of its own, and may have an owner of its own.
        names[:] = [name for name in names if name != "postgres"]
        for name in (*names, *files):
            _tighten(Path(folder, name), umask)


def _is_passage(found: os.stat_result, umask: int) -> bool:
    """Say whether others can only pass a folder: root's PostgreSQL may need that (stack/)."""
    left = found.st_mode & umask
    return os.geteuid() == 0 and stat.S_ISDIR(found.st_mode) and left == stat.S_IXOTH


def _tighten(path: Path, umask: int) -> bool:
    """Take from a mode what the mask forbids; say whether there was anything."""
    with suppress(OSError):
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid():
            return False
        mode = stat.S_IMODE(found.st_mode)
        if mode & umask and not _is_passage(found, umask):
            path.chmod(mode & ~umask)
            return True
    return False
