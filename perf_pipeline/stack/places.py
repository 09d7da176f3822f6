"""Folders that servers can be given: writable ones, under a path that each of them reads right.

Kafka splits `log.dirs` at commas and reads its configuration as ISO-8859-1, Redis splits at
blanks, Java splits a class path at colons and takes other letters than ASCII for question marks
where the locale is C. A path with anything of that is never shown to a server: it is given a
symbolic link of plain letters, in a private folder, and its data still are where the user wants
them.
Add here: a rule about paths. Keep out: what is in the folders.
"""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from perf_pipeline.errors import StackError
from perf_pipeline.quoting import is_utf8
from perf_pipeline.stack.process_register import is_alive, read_register

PLAIN: Final = re.compile(r"/[A-Za-z0-9._/-]*")
LONGEST: Final = 200  # PostgreSQL stops at 1,023 bytes, and adds up to 100 of its own
PREFIX: Final = "perf_pipeline-"
STACK: Final = "stack"
FALLBACKS: Final = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - a private folder is made there
NOTE: Final = "place"
OTHER_FOLDER: Final = "name another state folder with --state or PERF_STATE"
_REASONS: Final = {
    errno.ENOSPC: ("the disk is full", f"make room there, or {OTHER_FOLDER}"),
    errno.EDQUOT: ("the disk quota is used up", f"make room there, or {OTHER_FOLDER}"),
    errno.EACCES: ("permission denied", f"let this user write there, or {OTHER_FOLDER}"),
    errno.EPERM: ("not permitted", f"let this user write there, or {OTHER_FOLDER}"),
    errno.EROFS: ("the disk is read-only", OTHER_FOLDER),
    errno.ENOTDIR: ("a part of the path is a file", OTHER_FOLDER),
    errno.EEXIST: ("there is a file of that name", OTHER_FOLDER),
    errno.ENAMETOOLONG: ("the path is too long", OTHER_FOLDER),
}


def shown(path: Path) -> str:
    """Return the path for a sentence; quoted, with escapes, where it has unprintable letters."""
    text = str(path)
    return text if text.isprintable() else repr(text)


@contextmanager
def written(folder: Path) -> Iterator[None]:
    """Tell in one sentence what keeps a folder from being written.

    Raises:
        StackError: the block raised an OSError.
    """
    try:
        yield
    except OSError as error:
        raise cannot_write(folder, error) from error


def cannot_write(folder: Path, error: OSError) -> StackError:
    """Return the error that says what keeps the folder from being written, and the remedy."""
    usual = (error.strerror or str(error), OTHER_FOLDER)
    reason, remedy = _REASONS.get(error.errno or 0, usual)
    return StackError(f"the folder {shown(folder)} can't be written: {reason}", hint=remedy)


def plain_path(folder: Path, target: Path | None = None, name: str = STACK) -> Path:
    """Return a path to `target` that every server reads right: its own, or a link to it.

    Args:
        folder: the folder of the stack, which the link is for; it is also the target where that is
            None.
        target: absolute.
        name: the name of the link, one for each target of a stack.

    Raises:
        StackError: a link is needed and can be made nowhere.
    """
    wanted = folder if target is None else target
    if is_plain(wanted):
        return wanted
    with written(folder):
        link = (_place_of(folder) or _new_place(folder)) / name
        with suppress(FileExistsError):  # another part of this stack made it just now
            link.symlink_to(wanted, target_is_directory=True)
    return link


def require_utf8(*paths: Path) -> None:
    """Refuse a folder that Java cannot open, wherever the links to it lie: it resolves them.

    Raises:
        StackError: the name of a folder is not UTF-8.
    """
    for path in map(Path.resolve, paths):
        if not is_utf8(str(path)):
            raise StackError(
                f"Apache Kafka can't use the folder {shown(path)}: its name is not UTF-8",
                hint=OTHER_FOLDER,
            )


def is_plain(path: Path) -> bool:
    """Say whether every server reads the path right."""
    text = str(path)
    return len(text) <= LONGEST and PLAIN.fullmatch(text) is not None


def leave(folder: Path) -> None:
    """Remove the links that were made for the stack of the folder; nothing where none were."""
    place = _place_of(folder)
    if place is not None:
        shutil.rmtree(place, ignore_errors=True)
    (folder / NOTE).unlink(missing_ok=True)


def _place_of(folder: Path) -> Path | None:
    """Return the private folder that was made for this stack, if it is still ours."""
    try:
        place = Path((folder / NOTE).read_text(encoding="ascii"))
        facts = place.lstat()
        ours = place.name.startswith(PREFIX) and facts.st_uid == os.geteuid()
        return place if ours and (place / STACK).readlink() == folder else None
    except (OSError, ValueError):
        return None


def _new_place(folder: Path) -> Path:
    problems: list[str] = []
    for parent in _parents():
        _clear_unused(parent)
        try:
            place = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        except OSError as error:
            problems.append(f"{parent}: {error.strerror}")
            continue
        (place / STACK).symlink_to(folder, target_is_directory=True)
        (folder / NOTE).write_text(str(place), encoding="ascii")
        return place
    raise StackError(
        f"PostgreSQL, Kafka and Redis can't use the path {shown(folder)} as it is, and no link to "
        f"it could be created ({'; '.join(problems)})",
        hint=f"{OTHER_FOLDER}, with only plain letters in its path, or set TMPDIR to such a folder",
    )


def link_parent() -> Path:
    """Return the folder in which links would be made.

    Raises:
        StackError: there is none.
    """
    for parent in _parents():
        if os.access(parent, os.W_OK | os.X_OK):
            return parent
    raise StackError(
        f"links for servers can't be created in any of {', '.join(FALLBACKS)}",
        hint="set TMPDIR to a writable folder with only plain letters in its path",
    )


def _parents() -> list[Path]:
    usual = (os.environ.get("TMPDIR", ""), *FALLBACKS)
    return [parent for parent in map(Path, usual) if len(str(parent)) <= 80 and is_plain(parent)]


def _clear_unused(parent: Path) -> None:
    """Remove what dead stacks of ours left there: their folder is gone, or all in it has ended."""
    for place in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if place.lstat().st_uid == os.geteuid() and _is_unused((place / STACK).readlink()):
                shutil.rmtree(place, ignore_errors=True)


def _is_unused(folder: Path) -> bool:
    register = read_register(folder)
    if register is None:
        return not folder.exists()
    owner = () if register.owner is None else (register.owner,)
    return not any(is_alive(process) for process in (*owner, *register.processes))
