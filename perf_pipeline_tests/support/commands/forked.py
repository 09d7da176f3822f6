"""Run commands as forks of a process that has imported what they need.

Importing takes a command a second of CPU, and the suite runs more than a hundred of them. A fork is
a process like any other, but for what `ps` shows of it; it has the environment of a test, its
folder, its streams and its signals.
Add here: what is asked of the template. Keep out: what becomes of a fork (command_template.py).
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final

from perf_pipeline_tests.support.commands.command_template import LONGEST_QUESTION_BYTES
from perf_pipeline_tests.support.commands.forked_children import Aside, fork_from, forking
from perf_pipeline_tests.support.commands.forks_on_request import can_fork_on_request

_TEMPLATE: Final = "perf_pipeline_tests.support.commands.command_template"
_IMPORTED_S: Final = 60.0
# What an interpreter, or a library that it imports, reads when it starts; a command's own variables
# it reads itself, whenever it starts.
_READ_EARLY: Final = (
    *("PYTHON", "LC_", "LANG", "LD_", "MALLOC", "TZ", "TMP", "TEMP", "OPENBLAS", "OMP_", "SSL_"),
    *("TERM", "NO_COLOR", "FORCE_COLOR", "UV_", "GRPC_"),
)


def _read_early(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in environment.items() if name.startswith(_READ_EARLY)}


_BEFORE: Final = MappingProxyType({**os.environ})


class ForkedProcess:
    """Stand for a command that the template forked, as if it were a child of this process."""

    def __init__(self, pid: int, answers: socket.socket, output: IO[str]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._answers = answers
        self._output = output
        for opened in (output, answers):  # nobody may ask for its output, or await its end
            weakref.finalize(self, opened.close)
        # A number may be another process's a moment after it ended; this stays its own.
        self._pidfd = None
        with suppress(ProcessLookupError):
            self._pidfd = os.pidfd_open(pid)
            weakref.finalize(self, os.close, self._pidfd)

    def poll(self) -> int | None:
        """Give its exit code, or None while it runs."""
        with suppress(TimeoutError):
            self.wait(0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            TimeoutError: it did not come in time.
        """
        if self.returncode is None:
            if timeout is not None and not select.select([self._answers], [], [], timeout)[0]:
                raise TimeoutError(f"the command still runs after {timeout:g} s")
            self.returncode = _told(self._answers)
            self._answers.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end, and give its output."""
        self.wait(timeout)
        if self._output.closed:
            return "", ""
        with self._output as output:
            output.seek(0)
            return output.read(), ""

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self._pidfd is not None and self.poll() is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def kill(self) -> None:
        """End it as nobody can prevent."""
        self.send_signal(signal.SIGKILL)


def forked(
    words: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    *,
    modules: tuple[str, ...] = (),
) -> ForkedProcess | None:
    """Start a command; None where it needs an interpreter of its own.

    It needs one where its environment differs in what an interpreter reads when it starts.

    Args:
        words: the command, and its arguments; or a Python, `-m`, a module, and its arguments.
        environment: all of it.
        log: what gets its stderr.
        modules: what it imports beside what our own command imports.
    """
    if not _is_as_before(environment):
        return None
    output = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - read at its end
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, log.open("w") as errors, Path(os.devnull).open("rb") as nothing:
        given = [file.fileno() for file in (nothing, output, errors, theirs)]
        asked_for(words, environment, str(Path.cwd()), given, modules=modules)
    ours.settimeout(_IMPORTED_S)
    pid = _told(ours)
    ours.settimeout(None)
    return ForkedProcess(pid, ours, output)


def asked_for(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: str,
    fds: Sequence[int],
    *,
    modules: tuple[str, ...] = (),
) -> bool:
    """Start a command with streams that are open; say whether it needs no interpreter of its own.

    Args:
        words: as of `forked`.
        environment: all of it.
        folder: where it is started.
        fds: its three streams, and a socket at whose other end its pid and its exit code are told.
        modules: as of `forked`.
    """
    if not _is_as_before(environment):
        return False
    question = {
        "words": [*words],
        "environment": {**environment},
        "folder": folder,
        "umask": Path("/proc/self/status").read_text().partition("Umask:")[2].split()[0],
    }
    socket.send_fds(_template(modules)[0], [json.dumps(question).encode()], fds)
    return True


def _is_as_before(environment: Mapping[str, str]) -> bool:
    return _read_early(environment) == _read_early(_BEFORE) and hasattr(os, "pidfd_open")


def _told(link: socket.socket) -> int:
    answer = link.recv(LONGEST_QUESTION_BYTES)
    assert answer, "the process that commands are forked from has ended"
    return int(answer)


def ran(words: Sequence[str], **how: Any) -> subprocess.CompletedProcess[str]:
    """Run a Python command to its end as a fork, and give what it said; `how` is for `Popen`."""
    timeout_s = how.pop("timeout", 60.0)
    how |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with started(words, **how) as process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess([*words], process.returncode, out, err)


def started(
    words: Sequence[str], *, modules: tuple[str, ...] = (), **how: Any
) -> subprocess.Popen[Any]:
    """Start a Python command as a child of this process: a fork, wherever one does.

    Args:
        words: `forked` says which; of others, an interpreter of its own.
        modules: what it imports beside what our own command imports.
        how: all that `Popen` knows.
    """
    return _popen(modules)([*words], **how)


@cache
def _popen(modules: tuple[str, ...]) -> type[subprocess.Popen[Any]]:
    return forking(_aside(modules)) if can_fork_on_request() else subprocess.Popen


def fork_what_is_started_here() -> None:
    """Fork load workers, and the parts of stacks, that the product starts in this process."""
    if can_fork_on_request():
        fork_from(_aside(()))


def _aside(modules: tuple[str, ...]) -> Aside:
    return Aside(lambda: _template(modules)[1], _BEFORE)


@cache
def _template(modules: tuple[str, ...]) -> tuple[socket.socket, socket.socket]:
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(2)]
    theirs = [their_end for _, their_end in pairs]
    numbers = [their_end.fileno() for their_end in theirs]
    # One that imports more is a fork of the one that imports what all need.
    start = started if modules else subprocess.Popen
    process = start(
        [sys.executable, "-P", "-m", _TEMPLATE, *map(str, numbers), *modules],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**_BEFORE, "OPENBLAS_NUM_THREADS": "1"},
        pass_fds=numbers,
    )
    for their_end in theirs:
        their_end.close()
    atexit.register(process.wait)
    link, children_link = (our_end for our_end, _ in pairs)
    for our_end in (children_link, link):
        atexit.register(our_end.close)  # is done first, and ends it
    return link, children_link
