"""PostgreSQL's data folder before a start: whose version it is, whether it is whole and free.

Add here: another state that a killed or foreign server can leave. Keep out: programs, settings.
"""

from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from perf_pipeline.errors import StackError
from perf_pipeline.stack.places import shown

UNFINISHED: Final = "postgres.unfinished"
PASSWORD: Final = "postgres.password"  # noqa: S105 - the name of a file
LOCK: Final = "postmaster.pid"


def major_of(home: Path) -> str | None:
    """Return the major version of the data, such as `18`; None where there are none yet.

    Raises:
        StackError: the folder holds something else, or a part of a data folder only.
    """
    try:
        text = (home / "PG_VERSION").read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        if home.is_dir() and not any(home.iterdir()):
            home.rmdir()
        if home.exists():
            raise _damaged(home, "PG_VERSION is missing") from None
        return None
    except OSError as error:
        raise _damaged(home, f"PG_VERSION can't be read: {error.strerror}") from error
    # Before 10 the first two numbers were the version.
    if not text.replace(".", "", 1).isdigit():
        raise _damaged(home, f"PG_VERSION says {text[:20]!r}")
    return text


def password_of(folder: Path) -> str:
    """Return the password that the data of the folder were made with.

    Raises:
        StackError: it is not there.
    """
    path = folder / PASSWORD
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise StackError(
            f"the password of the data in {shown(folder / 'postgres')} is not in {shown(path)}",
            hint=f"put it back, or move {shown(folder / 'postgres')} away to begin with empty data",
        ) from error


def clear_stale(home: Path) -> None:
    """Remove the lock file that a killed server left.

    PostgreSQL refuses it where another process has got that server's number meanwhile.

    Raises:
        StackError: a live server has these data open.
    """
    lock = home / LOCK
    with suppress(OSError, ValueError):
        pid = int(lock.read_text(encoding="ascii", errors="replace").split()[0])
        if _has_open(pid, home):
            raise StackError(
                f"the data in {shown(home)} are in use by a PostgreSQL server (pid {pid})",
                hint=f"stop it (kill -INT {pid}), or name another folder",
            )
    lock.unlink(missing_ok=True)


def _has_open(pid: int, home: Path) -> bool:
    try:
        return Path(psutil.Process(pid).cwd()).resolve() == home.resolve()
    except psutil.Error:
        return False


def _damaged(home: Path, what: str) -> StackError:
    return StackError(
        f"{shown(home)} is not a complete PostgreSQL data folder: {what}",
        hint=f"move {shown(home)} away to begin with empty data, or restore what is missing",
    )
