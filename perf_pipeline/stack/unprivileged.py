"""Run a program that refuses root (PostgreSQL) when we are root, without touching accounts.

Add here: another way to drop privileges. Keep out: what is run.
"""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

from perf_pipeline.errors import StackError

ACCOUNTS = ("postgres", "nobody")
HINT = "run as an ordinary user, or set PERF_POSTGRES_DSN to a PostgreSQL of your own"


def unprivileged_prefix(data: Path, *files: Path) -> tuple[str, ...]:
    """Return what to put before the program's argv; it execs, so the pid stays the same.

    Not root: nothing. Root: a user namespace in which this user is number 1000, so files stay
    ours; where namespaces are forbidden, another account, to which folder `data` and `files`
    are given.

    Raises:
        StackError: root, and neither way is open.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return ()
    return _namespace() or _account(data, files)


def _namespace() -> tuple[str, ...]:
    unshare = shutil.which("unshare")
    if unshare is None:
        return ()
    prefix = (unshare, "--user", "--map-user=1000", "--map-group=1000", "--")
    allowed = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    return prefix if allowed else ()


def _let_through(data: Path) -> None:
    """Let another account pass our folders above its own, up to the state folder, and list none."""
    above = 3 if data.parent.parent.name == "stacks" else 2
    for folder in data.parents[:above]:
        found = folder.stat()
        if found.st_uid == os.geteuid():
            folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)


def _account(data: Path, files: Sequence[Path]) -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise StackError(
            "PostgreSQL refuses to run as root, and neither unshare nor setpriv is installed to "
            "become another user",
            hint=HINT,
        )
    for name in ACCOUNTS:
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        ids = (f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}")
        prefix = (setpriv, *ids, "--clear-groups", "--")
        for path in (data, *data.rglob("*"), *files):
            os.chown(path, account.pw_uid, account.pw_gid)
        for path in {data, data.resolve()}:  # links have a folder of their own (places.py)
            _let_through(path)
        if subprocess.run([*prefix, "test", "-w", data], check=False).returncode == 0:
            return prefix
    raise StackError(
        "PostgreSQL refuses to run as root, user namespaces are forbidden here, and no account of "
        f"{', '.join(ACCOUNTS)} can reach {data}",
        hint=HINT,
    )
