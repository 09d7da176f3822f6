"""Fork workers, in milliseconds, from a process that has imported what they need.

`python -m perf_pipeline.engine.worker_template SOCKET MODULE…`, started by forked_worker.py. It
sleeps while a load runs, knows no secret and no address, has one thread, and ends with its driver.

Add here: another thing that all workers of a run have in common. Keep out: the work (worker.py).
"""

import atexit
import gc
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from fcntl import F_DUPFD_CLOEXEC, fcntl
from importlib import import_module, invalidate_caches
from typing import Final, NoReturn

from perf_pipeline.config.frozen import build_models
from perf_pipeline.engine import worker
from perf_pipeline.engine.worker_start import LONGEST_MESSAGE_BYTES, MOST_DESCRIPTORS

_STANDARD: Final = 3


def main() -> int:
    """Fork a worker whenever the driver asks for one; in the worker, return its exit code."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the driver handles signals; when it ends, so do we
    link = socket.socket(fileno=int(sys.argv[1]))
    for name in sys.argv[2:]:
        import_module(name)
    build_models()  # otherwise each worker would build the models for its parameters
    gc.collect()
    gc.freeze()  # the garbage collector never touches, and so never copies, what all workers share
    while True:
        message, fds, _, _ = socket.recv_fds(link, LONGEST_MESSAGE_BYTES, MOST_DESCRIPTORS)
        if not message:
            return 0
        asked = json.loads(message)
        if "reap" in asked:
            _, status = os.waitpid(asked["reap"], 0)
            link.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())
            continue
        pid = os.fork()
        if pid == 0:
            link.close()
            os.setpgid(0, 0)  # the driver handles Ctrl-C
            invalidate_caches()  # there may be new files
            _take(fds, asked["numbers"])
            _end(worker.main())
        for fd in fds:
            os.close(fd)
        link.send(json.dumps(pid).encode())


def _end(code: int) -> NoReturn:
    """End this process as an interpreter does, but without destroying its modules.

    Destroying them would copy thousands of the template's pages and take 40 ms of CPU per worker.
    Source: BaseProcess._bootstrap of Python's multiprocessing.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - as multiprocessing does
    atexit._run_exitfuncs()  # noqa: SLF001 - people's scenarios may have registered something
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _take(fds: Sequence[int], numbers: Sequence[int]) -> None:
    """Move descriptors to the numbers under which the worker knows them."""
    free = max((_STANDARD, *numbers)) + 1
    moved = [fcntl(fd, F_DUPFD_CLOEXEC, free) for fd in fds]
    for fd in fds:
        os.close(fd)
    for fd, number in zip(moved, numbers, strict=True):
        os.dup2(fd, number, inheritable=number < _STANDARD)
        os.close(fd)


if __name__ == "__main__":
    sys.exit(main())
