"""Let only one run work on this machine, since two at once would disturb each other.

Add here: nothing. Keep out: the history's lock (store/).
"""

import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from perf_pipeline.errors import StoppedByUserError, StoreError, TargetUnavailableError
from perf_pipeline.narration import Say
from perf_pipeline.quoting import on_one_line
from perf_pipeline.secrecy.files import intruder_of, private_folder

LOCK_NAME: Final = "load_generator.lock"
# As long as dagster.yaml allows a run to take.
LONGEST_WAIT_S: Final = 21_600.0
_POLL_S: Final = 0.5
LOCK_FOLDER_VARIABLE: Final = "PERF_LOCK_FOLDER"


def lock_folders(state: Path, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the folders whose locks a run holds, in the order in which every run takes them.

    These are the user's own folder on this machine, because two checkouts share the processors, and
    the state folder, because containers share no other folder.

    Args:
        state: the folder in which runs keep what they measured.
        environ: the environment, in which PERF_LOCK_FOLDER replaces the first folder.

    Raises:
        TargetUnavailableError: the user's own folder, which is in a folder of all users, belongs to
            somebody else.
    """
    named = environ.get(LOCK_FOLDER_VARIABLE)
    machine = Path(named).resolve() if named else _own_folder()
    return tuple(dict.fromkeys((machine, state.resolve())))


def _own_folder() -> Path:
    folder = Path(tempfile.gettempdir()).resolve() / f"perf-pipeline-{os.getuid()}"
    if intruder := intruder_of(folder):
        raise TargetUnavailableError(
            f"{folder} {intruder}, so another user could block all your runs, or make them "
            "overwrite a file; nothing was sent",
            hint=f"remove it, or set {LOCK_FOLDER_VARIABLE} to a folder of your own",
        )
    return private_folder(folder)


@contextmanager
def load_generator(
    folder: Path,
    what: str,
    *,
    say: Say,
    stop: threading.Event,
    wait_s: float = LONGEST_WAIT_S,
) -> Iterator[bool]:
    """Reserve the machine for one run; if another run is going on, say so and wait for its end.

    Yields whether there was another run. The lock is the operating system's (flock), so it ends
    with the process that holds it.

    Args:
        folder: the folder of the lock, one of `lock_folders`.
        what: a name for those who wait, e.g. `run 20260101-…`.
        say: is told a sentence if there is another run to wait for.
        stop: the event that ends the wait.
        wait_s: how long to wait.

    Raises:
        StoreError: the folder can't be created.
        TargetUnavailableError: the other run did not end in time.
        StoppedByUserError: the user did not want to wait any longer.
    """
    _make(folder)
    # Dagster may leave the block in a different thread.
    lock = FileLock(folder / LOCK_NAME, thread_local=False)
    holder = folder / f"{LOCK_NAME}.holder"
    has_waited = _acquire(lock, holder, say, stop, wait_s)
    try:
        holder.write_text(json.dumps({"pid": os.getpid(), "what": what}), encoding="utf-8")
        yield has_waited
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def is_loading(folder: Path) -> bool:
    """Say whether a run with this state folder is in progress."""
    file = folder.resolve() / LOCK_NAME
    if not file.exists():
        return False
    lock = FileLock(file, thread_local=False)
    if not _is_acquired(lock):
        return True
    lock.release()
    return False


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder for the machine's lock, {folder}, can't be created: {error.strerror}; "
            "nothing was sent",
            hint=f"set {LOCK_FOLDER_VARIABLE} to another folder",
        ) from error


def _acquire(lock: FileLock, holder: Path, say: Say, stop: threading.Event, wait_s: float) -> bool:
    """Acquire the lock; return whether that meant waiting."""
    if _is_acquired(lock):
        return False
    say(
        f"waiting for {_describe(holder)}, because two runs at once would disturb each other's "
        "figures"
    )
    until_s = time.monotonic() + wait_s
    while not _is_acquired(lock):
        if time.monotonic() >= until_s:
            raise TargetUnavailableError(
                f"{_describe(holder)} was still going after this run had waited {wait_s:g} s; "
                "nothing was measured",
                hint="wait until it has ended, or stop it",
            )
        if stop.wait(_POLL_S):
            raise StoppedByUserError(
                f"stopped while waiting for {_describe(holder)}; nothing was measured"
            )
    return True


def _is_acquired(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def _describe(holder: Path) -> str:
    try:
        entry = json.loads(holder.read_text(encoding="utf-8"))
        return on_one_line(f"{entry['what']} (pid {entry['pid']})", 200)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return "another run"


@contextmanager
def alone(folders: Sequence[Path], what: str, say: Say, stop: threading.Event) -> Iterator[bool]:
    """Hold the locks of all these folders, acquired one after the other.

    Yields whether another run had to be waited for.
    """
    with ExitStack() as held:
        waits = [
            held.enter_context(load_generator(folder, what, say=say, stop=stop))
            for folder in folders
        ]
        yield any(waits)
