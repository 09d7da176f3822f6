"""Run commands where a small disk is mounted: `python -m ….small_disk DISK STATE LINE…`.

The disk is a tmpfs of 24 MiB, in a mount namespace of this process, with a copy of a state folder.
A line that begins with `perf-pipeline` is our own command with that state, and `CODE n` is printed
when it has ended; any other is the shell's. It runs as a fork, and so do its commands.
Add here: nothing. Keep out: assertions.
"""

import ctypes
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

from perf_pipeline_tests.support.commands.forked_children import offer_forks

_CLONE_NEWNS: Final = 0x20000
_OURS: Final = "perf-pipeline"


def main(disk: str, state: str, *lines: str) -> None:
    """Mount it, and run one line after the other."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "this machine lets us have no mounts of our own")
    # Or what is mounted here would be mounted everywhere.
    for command in (
        "mount --make-rprivate /",
        f"mount -t tmpfs -o size=24m none {shlex.quote(disk)}",
        f"cp -r {shlex.quote(state)} {shlex.quote(f'{disk}/state')}",
    ):
        subprocess.run(shlex.split(command), check=True)
    offer_forks(["run"])
    for line in lines:
        first, *words = shlex.split(line)
        if first == _OURS:
            command_path = Path(sys.executable).with_name(_OURS)
            ours = [str(command_path), "--state", f"{disk}/state", *words]
            code = subprocess.run(ours, check=False).returncode
            print(f"CODE {code}", flush=True)
        else:
            subprocess.run(["sh", "-c", line], check=False, env={**os.environ, "DISK": disk})


if __name__ == "__main__":
    main(*sys.argv[1:])
