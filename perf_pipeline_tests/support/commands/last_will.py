"""What is still done when the process that would have done it is killed.

Add here: another way to outlive it. Keep out: what is done.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

# The command comes through the pipe: on a command line it would look like what it takes down.
_HEIR: Final = """
import json, subprocess, sys
command = json.loads(sys.stdin.readline())
if not sys.stdin.read():
    subprocess.run(command, stdin=subprocess.DEVNULL)
"""


@contextmanager
def done_if_killed(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[None]:
    """Run a command as soon as this process is killed within the block; else never.

    Whoever kills it (pytest-xdist does 10 s after Ctrl-C) leaves it no time for its fixtures.
    """
    heir = subprocess.Popen(
        [sys.executable, "-c", _HEIR],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(environment),
        start_new_session=True,  # Ctrl-C in the terminal is not for it
        text=True,
    )
    assert heir.stdin is not None
    heir.stdin.write(json.dumps([os.fspath(part) for part in command]) + "\n")
    heir.stdin.flush()
    try:
        yield
    finally:
        heir.kill()
        heir.wait()
        with suppress(BrokenPipeError):
            heir.stdin.close()
