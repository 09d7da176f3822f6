"""Put the folders of tests into memory, where there is enough of it.

Tests make and remove some hundred thousand files, a PostgreSQL alone a thousand each time it is
started. ext4 looks at each inode that was freed in the last minutes before it gives one to a new
file, so that making a file costs up to 0.4 ms of CPU in a run, and 0.006 ms in memory.
Add here: another place in memory. Keep out: what is free on the disks (room_on_disk.py).
"""

import os
from contextlib import suppress
from getpass import getuser
from pathlib import Path
from shutil import disk_usage, rmtree
from subprocess import run
from tempfile import TemporaryDirectory, gettempdir
from typing import Final

import psutil
import pytest

from perf_pipeline_tests.support.processes_at_once import free_memory_bytes
from perf_pipeline_tests.support.room_on_disk import NEEDED_GB

MEMORY: Final = Path("/dev/shm")
_GB: Final = 10**9
# Tests need memory themselves: 3 GB in five processes, servers included.
_SPARE_GB: Final = 6
_BY_PYTEST: Final = "PYTEST_DEBUG_TEMPROOT"


def use_memory(config: pytest.Config) -> None:
    """Let pytest make its folders in memory, unless somebody has said where.

    Args:
        config: of the pytest that starts the others, if there are others.
    """
    is_told = config.option.basetemp or os.environ.get("TMPDIR") or os.environ.get(_BY_PYTEST)
    if is_told:
        return
    remove_dead(MEMORY)
    if has_room(MEMORY):
        os.environ[_BY_PYTEST] = str(MEMORY)


def remove_dead(place: Path) -> None:
    """Remove what a pytest has left that was killed; pytest itself waits for three days."""
    for lock in place.glob("pytest-of-*/pytest-*/.lock"):
        with suppress(OSError, ValueError):
            if lock.parent.owner() == getuser() and not psutil.pid_exists(int(lock.read_text())):
                rmtree(lock.parent, ignore_errors=True)


def tests_folder() -> Path:
    """Return where pytest makes the folders of tests."""
    return Path(os.environ.get(_BY_PYTEST) or gettempdir())


def has_room(folder: Path) -> bool:
    """Say whether a folder is in memory, holds what tests need, and lets programs be run there."""
    kinds = {Path(it.mountpoint): it.fstype for it in psutil.disk_partitions(all=True)}
    if kinds.get(folder) != "tmpfs" or disk_usage(folder).free < 2 * NEEDED_GB * _GB:
        return False
    # A container's files in memory count as its own.
    if free_memory_bytes() < (NEEDED_GB + _SPARE_GB) * _GB:
        return False
    with suppress(OSError), TemporaryDirectory(dir=folder) as name:
        program = Path(name) / "program"
        program.write_text("#!/bin/sh\n", encoding="ascii")
        program.chmod(0o700)
        return run([program], check=False).returncode == 0
    return False
