"""Make PostgreSQL's data: once per cache by initdb, then by copying its result.

initdb takes 0.7 s of CPU, a copy and its own password take 0.2 s. What initdb writes for the same
programs is the same each time but for the password, which is set before the server listens.
Add here: another thing that a copy must have of its own. Keep out: settings, the server
(postgres.py), and data that are there already (postgres_data.py).
"""

import json
import os
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Final
from zlib import crc32

from perf_pipeline.errors import StackError
from perf_pipeline.stack.places import plain_path
from perf_pipeline.stack.postgres_data import PASSWORD, UNFINISHED
from perf_pipeline.stack.service import Command, run_once
from perf_pipeline.stack.unprivileged import unprivileged_prefix

_WITHIN_S: Final = 60.0
# A copy takes less than a second, so what is unfinished for so long will never be finished.
_ABANDONED_S: Final = 3_600.0
_PART: Final = "postgres-initdb"
_QUESTION: Final = "postgres.password.sql"
_SIZES: Final = "perf_pipeline.sizes.json"


def data_beside(cache: Path, binaries: Path, version: str) -> Path:
    """Return the folder of the cache that keeps what initdb of these programs wrote."""
    return cache / f"postgres-{version}-{crc32(bytes(binaries)):08x}".replace("/", "_")


def make_data(folder: Path, binaries: Path, user: str, kept: Path | None) -> Path:
    """Make the data of a server under the name of unfinished ones, with a password of their own.

    Where a copy can't be made, initdb writes them.

    Args:
        folder: the folder of the stack, which also gets the file with the password.
        binaries: PostgreSQL's programs.
        user: the superuser.
        kept: where the cache keeps what initdb wrote, or is about to; None to do without.

    Returns:
        their folder.

    Raises:
        StackError: initdb failed.
        OSError: the folder can't be written.
    """
    place = plain_path(folder)
    # Under another name until they are whole, so that a start that is killed leaves no half of it.
    home, password = place / UNFINISHED, place / PASSWORD
    shutil.rmtree(home, ignore_errors=True)
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(24), encoding="utf-8")
    if kept is not None and _is_copied(kept, folder, binaries, user, home):
        return home
    _by_initdb(folder, binaries, user, home)
    if kept is not None:
        with suppress(OSError):  # a full disk, or a cache that only others may write
            _keep(home, kept)
    return home


def _is_copied(kept: Path, folder: Path, binaries: Path, user: str, home: Path) -> bool:
    """Copy what the cache keeps, and say whether it could; what is not whole or refused goes."""
    try:
        shutil.copytree(kept, home)
        _check_sizes(home)
        _set_password(folder, binaries, user, home)
    except OSError:  # there is nothing yet, or it is somebody else's
        shutil.rmtree(home, ignore_errors=True)
        return False
    except StackError:
        for refused in (home, kept):
            shutil.rmtree(refused, ignore_errors=True)
        return False
    return True


def _check_sizes(home: Path) -> None:
    """Compare copied data with the sizes that came with them, which are nobody's from now on.

    Raises:
        StackError: a file is missing or cut off, as after a power failure.
    """
    note = home / _SIZES
    try:
        told = json.loads(note.read_text(encoding="utf-8"))
        note.unlink()
    except (OSError, ValueError):
        told = None
    if told != _sizes_of(home):
        raise StackError(f"the PostgreSQL data that the cache keeps are not whole (copy: {home})")


def _sizes_of(home: Path) -> dict[str, int]:
    files = (path for path in home.rglob("*") if path.is_file())
    return {str(path.relative_to(home)): path.stat().st_size for path in files}


def _by_initdb(folder: Path, binaries: Path, user: str, home: Path) -> None:
    home.mkdir(mode=0o700)
    password = home.parent / PASSWORD
    argv = (
        *unprivileged_prefix(home, password),
        str(binaries / "initdb"),
        f"--pgdata={home}",
        f"--username={user}",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--locale=C.UTF-8",
        "--encoding=UTF8",
        "--no-sync",
    )
    run_once(folder, Command(name=_PART, argv=argv), timeout_s=_WITHIN_S)


def _set_password(folder: Path, binaries: Path, user: str, home: Path) -> None:
    """Give the superuser of copied data the password of their stack, without a server.

    Raises:
        StackError: PostgreSQL does not take the data.
    """
    question = home.parent / _QUESTION
    password = (home.parent / PASSWORD).read_text(encoding="utf-8")
    try:
        question.touch(mode=0o600)
        question.write_text(f"alter role {user} password '{password}'\n", encoding="utf-8")
        # An error ends it with an exit code, and its log never shows the statement.
        settings = ("exit_on_error=on", "log_min_error_statement=panic", "fsync=off")
        argv = (
            *unprivileged_prefix(home),
            str(binaries / "postgres"),
            "--single",
            *(word for setting in settings for word in ("-c", setting)),
            "-D",
            str(home),
            "postgres",
        )
        command = Command(name="postgres-password", part=_PART, argv=argv, stdin=str(question))
        run_once(folder, command, timeout_s=_WITHIN_S)
    finally:
        question.unlink(missing_ok=True)


def _keep(home: Path, kept: Path) -> None:
    """Copy data to a place where they are whole or not at all; what is half copied goes.

    Raises:
        OSError: the disk does not take them, or another start was quicker.
    """
    for left in kept.parent.glob(f"{kept.name}.*.draft"):  # by starts that were killed
        if time.time_ns() / 1e9 - left.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(left, ignore_errors=True)
    draft = kept.with_name(f"{kept.name}.{os.getpid()}.{secrets.token_hex(4)}.draft")
    try:
        shutil.copytree(home, draft)
        # Nothing is synced: a name may outlive a power failure and what it names may not.
        (draft / _SIZES).write_text(json.dumps(_sizes_of(draft)), encoding="utf-8")
        draft.rename(kept)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
