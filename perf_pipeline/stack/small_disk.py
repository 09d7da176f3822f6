"""A disk of its own, of a fixed size, for a server's files: what a fault can fill.

It is an ext4 file system in a file of the stack's folder, mounted in a mount namespace that only
the server's processes are in: the mount goes with the last of them, whatever ends them, and nobody
else ever sees it. So it is filled and emptied by way of a process that does (`/proc/PID/root`).
Add here: what is done to such a disk. Keep out: which server has one, and when it is full.
"""

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from perf_pipeline.errors import StackError
from perf_pipeline.stack.places import shown, written
from perf_pipeline.units import format_bytes

SIZE_BYTES: Final = 4 << 30
"""Of the disk; its file takes only as much room as is written to it."""
ON_DISK: Final = MappingProxyType({"disk": f"{format_bytes(SIZE_BYTES)} of its own"})
"""What the fingerprint of a run says of a server that has one."""
_TRIED_BYTES: Final = 4 << 20
_WITHIN_S: Final = 30.0
_FILLER: Final = "full"
_DISKS: Final = "disks"
_IMAGE: Final = "disk"
_PROGRAMS: Final = ("unshare", "mkfs.ext4", "mount", "sh")
# Arguments: the file, where it is mounted, the data, then the folders of them that it is to hold up
# to `--`, then the server. What a killed server left full is emptied before it starts again.
_SCRIPT: Final = """
set -e
image=$1 place=$2 home=$3
shift 3
mount -t ext4 -o loop "$image" "$place"
rm -f "$place/full"
while [ "$1" != -- ]; do
    if [ ! -d "$place/$1" ]; then
        rm -rf "$place/draft"
        cp -a "$home/$1" "$place/draft"
        mv "$place/draft" "$place/$1"
    fi
    mount --bind "$place/$1" "$home/$1"
    shift
done
shift
exec "$@"
"""


def disk_of(folder: Path, name: str) -> Path:
    """Return the folder of the disk that a process of a stack has, or would have.

    Args:
        folder: the folder of the stack.
        name: the name of the process.
    """
    return folder / _DISKS / name


def small_disk_notice(what: str) -> str:
    """Return the sentence about the disk of a server.

    >>> small_disk_notice("the broker's log is").partition(",")[0]
    "the broker's log is on a disk of its own all the time"
    """
    return (
        f"{what} on a disk of its own all the time, because a fault fills it "
        f"({format_bytes(SIZE_BYTES)} of ext4 in a file); figures of such runs are compared with "
        "one another only"
    )


@cache
def small_disk_obstacle() -> str:
    """Say why no such disk can be had here, by trying it; nothing where one can."""
    if os.geteuid() != 0:
        return "only root can mount one"
    if absent := [name for name in _PROGRAMS if shutil.which(name) is None]:
        return f"{absent[0]} is not installed"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home, nothing = folder / "home", ("/bin/sh", "-c", "true")
        (home / "kept").mkdir(parents=True)
        try:
            command = on_new_disk(folder, home, ("kept",), nothing, size_bytes=_TRIED_BYTES)
        except StackError as error:
            return error.sentence
        tried = _run(*command)
    return f"none can be mounted: {tried}" if tried else ""


def _make_disk(folder: Path, size_bytes: int) -> None:
    """Make an empty disk in a folder, with the place where it will be mounted."""
    image = folder.resolve() / _IMAGE
    with written(folder):
        _place_of(folder).mkdir(parents=True, exist_ok=True)
        image.touch(mode=0o600)  # others may pass the folder where a server has another account
        os.truncate(image, 0)
        os.truncate(image, size_bytes)
    lazily = "lazy_itable_init=1,lazy_journal_init=1,nodiscard"
    made = _run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", lazily, str(image))
    if made:
        raise StackError(f"no file system can be made in {shown(image)}: {made}")


def on_new_disk(
    folder: Path,
    home: Path,
    kept: Sequence[str],
    command: Sequence[str],
    *,
    size_bytes: int = SIZE_BYTES,
) -> tuple[str, ...]:
    """Make an empty disk; return the command that mounts it for a server and becomes that server.

    Args:
        folder: that gets the disk.
        home: the home of the server's data.
        kept: folders in `home` that the disk holds; they are copied to it at the first start.
        command: the command of the server.
        size_bytes: the size of the disk.

    Raises:
        StackError: no file system can be made.
    """
    _make_disk(folder, size_bytes)
    unshare = shutil.which("unshare") or "unshare"
    shell = (unshare, "--mount", "--", "/bin/sh", "-c", _SCRIPT, "disk")
    places = (folder.resolve() / _IMAGE, _place_of(folder), home.resolve())
    return (*shell, *map(str, places), *kept, "--", *command)


def fill_disk(folder: Path, pid: int) -> None:
    """Take all that is free on a disk, until `empty_disk` or the server's next start.

    Args:
        folder: that has the disk.
        pid: the process id of a process that sees it.

    Raises:
        StackError: no disk is mounted there, or something is still free on it.
        OSError: the process has ended.
    """
    place = _seen_by(pid, folder)
    if not place.is_mount():
        raise StackError(f"process {pid} has no disk of its own at {shown(_place_of(folder))}")
    with (place / _FILLER).open("wb") as file:
        _take_all(file.fileno())
    found = os.statvfs(place)
    if found.f_bavail:
        raise StackError(f"{format_bytes(found.f_bavail * found.f_frsize)} are free on a full disk")


def empty_disk(folder: Path, pid: int) -> None:
    """Give back what `fill_disk` took; nothing where the process, or the file, is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        (_seen_by(pid, folder) / _FILLER).unlink()


def _take_all(file: int) -> None:
    """Make a file as long as its disk allows; its space is allocated but never written."""
    facts = os.fstatvfs(file)
    length, more = 0, facts.f_bavail * facts.f_frsize
    while more >= facts.f_frsize:
        try:
            os.posix_fallocate(file, length, more)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            more //= 2
        else:
            length += more


def _place_of(folder: Path) -> Path:
    # Resolved: a link would lead out of the namespace of the process that sees the disk.
    return folder.resolve() / f"{_IMAGE}.mounted"


def _seen_by(pid: int, folder: Path) -> Path:
    return Path(f"/proc/{pid}/root{_place_of(folder)}")


def _run(*command: str) -> str:
    """Run a command; return the last line of what it says where it fails."""
    try:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_WITHIN_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return lines[-1] if lines else f"it ended with exit code {done.returncode}"
