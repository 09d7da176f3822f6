"""Let only one load generator work on this machine: two at once would measure one another.

Add here: nothing. Keep out: the history's lock (store/).
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.runs.session import Say

LOCK_NAME: Final = "load_generator.lock"
_POLL_S: Final = 1.0


@contextmanager
def load_generator(state: Path, what: str, *, say: Say, wait_s: float = 3_600.0) -> Iterator[None]:
    """Hold the machine for one measurement; wait for another one to end, and say so.

    The lock is the operating system's (flock), so it goes with the process that held it.

    Args:
        state: folder that all runs of this machine share.
        what: for the one who waits, e.g. `run 20260101-… api_user_creation`.
        say: gets one sentence when there is somebody to wait for.
        wait_s: how long to wait.

    Raises:
        TargetUnavailableError: the other measurement did not end in time.
    """
    state.mkdir(parents=True, exist_ok=True)
    lock = FileLock(state / LOCK_NAME)
    holder = state / f"{LOCK_NAME}.holder"
    _acquire(lock, holder, say, wait_s)
    try:
        holder.write_text(json.dumps({"pid": os.getpid(), "what": what}), encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _acquire(lock: FileLock, holder: Path, say: Say, wait_s: float) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"waiting for {_describe(holder)}: two measurements at once would measure each other")
        try:
            lock.acquire(timeout=wait_s, poll_interval=_POLL_S)
        except Timeout:
            raise TargetUnavailableError(
                f"{_describe(holder)} has measured for {wait_s:g} s and still does",
                hint="wait for it, or end it",
            ) from None


def _describe(holder: Path) -> str:
    try:
        entry = json.loads(holder.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "another measurement"
    return f"{entry['what']} (pid {entry['pid']})"
