"""Check the free space of the state folder, without which a run does not start.

Add here: another disk that a run writes to. Keep out: a disk that fills up under load (measure.py).
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from perf_pipeline.errors import StoreError, TargetUnavailableError
from perf_pipeline.stack.parts import PartFinding

LEAST_FREE_BYTES: Final = 512 << 20
_PROBE_BYTES: Final = 4_096


def require_space(state: Path) -> None:
    """Refuse to begin a run for which the disk has no room.

    Raises:
        StoreError: the folder can't be created, or nothing can be written into it.
        TargetUnavailableError: there is too little room; the message says how much is free.
    """
    try:
        state.mkdir(parents=True, exist_ok=True)
        free_bytes = shutil.disk_usage(state).free
        if free_bytes >= LEAST_FREE_BYTES:
            _write_something(state)
            return
    except OSError as error:
        raise StoreError(
            f"the state folder {state} can't be written: {error.strerror}; nothing was sent",
            hint=(
                "name another folder with --state or PERF_STATE, or change the owner or mode of "
                "this one"
            ),
        ) from error
    raise TargetUnavailableError(
        f"only {free_bytes >> 20} MiB are free on the disk of {state.name}/, but a run needs "
        f"{LEAST_FREE_BYTES >> 20} MiB",
        hint="make room on the disk; earlier runs are intact",
    )


def state_finding(state: Path) -> PartFinding:
    """Say whether a run could write into the state folder, and how much space is free."""
    folder = _nearest(state.absolute())
    try:
        free_bytes = shutil.disk_usage(folder).free
        _write_something(folder)
    except OSError as error:
        why = error.strerror or type(error).__name__
        return PartFinding("state", ok=False, sentence=f"{folder} can't be written: {why}")
    free = f"{free_bytes >> 20:,} MiB are free on the disk of {state.absolute()}"
    if free_bytes < LEAST_FREE_BYTES:
        needed = f"a run needs {LEAST_FREE_BYTES >> 20} MiB"
        return PartFinding("state", ok=False, sentence=f"{free}; {needed}")
    return PartFinding("state", ok=True, sentence=free)


def _nearest(folder: Path) -> Path:
    """Return the folder, or its nearest parent that exists."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _write_something(folder: Path) -> None:
    """Write a block to the disk and remove it, because free space ignores quotas and modes."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(_PROBE_BYTES))
        file.flush()
        os.fsync(file.fileno())
