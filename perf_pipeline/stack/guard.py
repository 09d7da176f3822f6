"""The small process that ends a stack if its owner dies without cleaning up (kill -9, crash).

It sleeps on the owner's pidfd, without a timer and without CPU. It is used instead of
PR_SET_PDEATHSIG, which fires when the *thread* that started the child ends (Dagster runs steps in
threads), does not reach grandchildren, has only one signal, and exists only on Linux.
Add here: nothing. Keep out: imports of clients, because the guard uses memory during a measurement.
"""

import os
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from perf_pipeline.stack.ending import dispose
from perf_pipeline.stack.process_register import Owner, is_alive, read_register

POLL_S = 1.0
# Undoing (undoing.py) imports clients, so it is run only if there is something to undo.
_PENDING = "pending.json"
_UNDOING = "perf_pipeline.stack.undoing"


def wait_for_end_of(owner: Owner) -> None:
    """Wait until the owner has ended."""
    if hasattr(os, "pidfd_open"):
        with suppress(ProcessLookupError):
            pidfd = os.pidfd_open(owner.pid)
            # Checked after opening; from here on the descriptor can't mean another process.
            if is_alive(owner):
                poll = select.poll()
                poll.register(pidfd, select.POLLIN)
                poll.poll()
            return
    while is_alive(owner):
        time.sleep(POLL_S)


def main(folder: Path) -> None:
    """Wait for the owner's end, undo its faults, then end everything in the register.

    If a fault could not be undone, its folder stays for the next run, which tries again.
    """
    register = read_register(folder)
    if register is None or register.owner is None:
        return
    wait_for_end_of(register.owner)
    if _undone(folder):
        dispose(folder, spare=os.getpid())


def _undone(folder: Path) -> bool:
    if not (folder / _PENDING).exists():
        return True
    undoing = [sys.executable, "-P", "-m", _UNDOING, str(folder)]
    return subprocess.run(undoing, check=False, stdin=subprocess.DEVNULL).returncode == 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
