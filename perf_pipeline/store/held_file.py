"""Hold a file while a process writes it, so that others know whether that process is alive.

The lock is the operating system's (flock): it goes with the process, also with one that is killed,
and counts in every container that shares the folder.

Add here: nothing. Keep out: what the files hold.
"""

import fcntl
from pathlib import Path
from typing import IO


def new_held_file(path: Path) -> IO[bytes]:
    """Put an empty file, which this process holds until it closes it, in the place of a file.

    It is unbuffered: others see at once what is written.

    Raises:
        OSError: it can't be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    file = draft.open("xb", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        draft.replace(path)
    except BaseException:
        file.close()
        raise
    return file


def is_held(file: IO[bytes]) -> bool:
    """Say whether the process that made a file is alive and has not closed it.

    Args:
        file: opened for this question, not the one that holds.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False
