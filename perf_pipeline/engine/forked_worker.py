"""Start workers as forks of a process that has imported everything they need.

A new interpreter takes half a second of a core to import a worker; a fork takes milliseconds.
Add here: another request of a driver to the template. Keep out: what the template does
(worker_template.py).
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, Final

from perf_pipeline.engine.worker_start import (
    LONGEST_MESSAGE_BYTES,
    MOST_DESCRIPTORS,
    Child,
    StartWorker,
    start_interpreter,
    worker_environment,
)

_CAN_FORK: Final = sys.platform == "linux" and hasattr(os, "pidfd_open")
_STANDARD: Final = (0, 1, 2)
_ANSWER_LIMIT_S: Final = 30.0
UNKNOWN_EXIT: Final = 255
"""The exit code of a worker that nobody could ask for it, because the template died as well."""


@contextmanager
def worker_template(modules: Sequence[str] = ()) -> Iterator[StartWorker]:
    """Yield the fastest way to start workers on this system, until the block ends.

    The template starts importing at once, while the caller goes on; the first worker waits for it.
    If there can be no template, or it has died, new interpreters are started instead.

    Args:
        modules: the modules that workloads need, in addition to what every worker needs.
    """
    if not _CAN_FORK:
        yield start_interpreter
        return
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(_ANSWER_LIMIT_S)
    with ours:
        with theirs:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "perf_pipeline.engine.worker_template",
                    str(theirs.fileno()),
                    *modules,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a new interpreter will report what fails here
                env=worker_environment(),
                process_group=0,
                pass_fds=(theirs.fileno(),),
            )
        try:
            yield _Template(ours).start
        finally:
            process.kill()  # it holds no resources; its workers have ended, or end when we do
            process.wait()


class _Template:
    """Ask the template for workers, one request at a time."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._lock = threading.Lock()

    def start(self, log: int, descriptors: Sequence[int]) -> Child:
        numbers = (*_STANDARD, *descriptors)
        if len(numbers) <= MOST_DESCRIPTORS:
            with suppress(OSError):
                return self._forked(log, descriptors, numbers)
        return start_interpreter(log, descriptors)

    def _forked(self, log: int, descriptors: Sequence[int], numbers: Sequence[int]) -> Child:
        with ExitStack() as theirs, ExitStack() as ours:
            input_end, our_output = os.pipe()
            theirs.callback(os.close, input_end)
            ours.callback(os.close, our_output)
            our_input, output_end = os.pipe()
            theirs.callback(os.close, output_end)
            ours.callback(os.close, our_input)
            pid = self._asked({"numbers": numbers}, (input_end, output_end, log, *descriptors))
            pidfd = os.pidfd_open(pid)
            ours.pop_all()
            return _ForkedWorker(self, pid, pidfd, our_output, our_input)

    def reap(self, pid: int) -> int:
        """Return the exit code of a worker that has ended."""
        with suppress(OSError):
            return self._asked({"reap": pid})
        return UNKNOWN_EXIT

    def _asked(self, question: dict[str, object], descriptors: Sequence[int] = ()) -> int:
        with self._lock:
            try:
                socket.send_fds(self._link, [json.dumps(question).encode()], descriptors)
                answer = self._link.recv(LONGEST_MESSAGE_BYTES)
            except BaseException:
                self._link.close()  # a late answer would seem to be for another request
                raise
        if not answer:
            raise ConnectionResetError("the worker template has ended")
        number: int = json.loads(answer)
        return number


class _ForkedWorker:
    """Represent a worker that the template forked, as if it were a child of this process.

    It is reaped only when its exit code is requested after its end, so its id is never reused
    before.
    """

    def __init__(self, template: _Template, pid: int, pidfd: int, stdin: int, stdout: int) -> None:
        self._template = template
        self._pidfd = pidfd
        self._code: int | None = None
        self.pid = pid
        self.stdin: IO[bytes] | None = os.fdopen(stdin, "wb", 0)
        self.stdout: IO[bytes] | None = os.fdopen(stdout, "rb", 0)

    def poll(self) -> int | None:
        """Return the exit code; None while the worker runs."""
        return self._ended(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("worker", timeout or 0.0)
        return code

    def send_signal(self, sig: int) -> None:
        """Send a signal; do nothing if the worker has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, sig)

    def _ended(self, timeout: float | None) -> int | None:
        if self._code is None:
            poll = select.poll()
            poll.register(self._pidfd, select.POLLIN)
            if poll.poll(None if timeout is None else timeout * 1_000):
                self._code = self._template.reap(self.pid)
                os.close(self._pidfd)
        return self._code
