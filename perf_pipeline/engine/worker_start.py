"""Start a worker process in a new interpreter, and define what other ways of starting must offer.

Add here: something that every way of starting a worker must offer. Keep out: messages to workers
(worker_process.py).
"""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import IO, Final, Protocol

from perf_pipeline.secrecy.known import KNOWN

MOST_DESCRIPTORS: Final = 200
"""A forked worker gets so many at most; the kernel passes 253 in a message (SCM_MAX_FD)."""

LONGEST_MESSAGE_BYTES: Final = 16_384


class Child(Protocol):
    """Describe a started process, with the methods of `subprocess.Popen`."""

    @property
    def pid(self) -> int:
        """Return the process id."""
        ...

    @property
    def stdin(self) -> IO[bytes] | None:
        """Return the unbuffered pipe to it."""
        ...

    @property
    def stdout(self) -> IO[bytes] | None:
        """Return the unbuffered pipe from it."""
        ...

    def poll(self) -> int | None:
        """Return its exit code, -N after signal N; None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its exit code. Raises: subprocess.TimeoutExpired."""
        ...

    def send_signal(self, sig: int) -> None:
        """Send a signal; nothing happens when it has ended."""
        ...


StartWorker = Callable[[int, Sequence[int]], Child]
"""Start a worker that logs to a descriptor and inherits others under their own numbers."""


def start_interpreter(log: int, descriptors: Sequence[int]) -> Child:
    """Start a worker in a new interpreter, which imports everything that it needs."""
    return subprocess.Popen(
        # Don't import from the current folder: a signal.py or perf_pipeline/ there is somebody
        # else's.
        [sys.executable, "-P", "-m", "perf_pipeline.engine.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        bufsize=0,
        env=worker_environment(),
        process_group=0,  # the driver handles Ctrl-C
        pass_fds=tuple(descriptors),
    )


def worker_environment() -> dict[str, str]:
    """Return this process's environment without addresses, which come through the pipe.

    PYTHONOPTIMIZE is left out as well: it would remove the assertions from people's scenarios,
    which would then pass whatever the target answers.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONOPTIMIZE" and not (name.startswith("PERF_") and KNOWN.holds(value))
    }
