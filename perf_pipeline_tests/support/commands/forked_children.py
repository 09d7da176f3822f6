"""Let a command of a test fork the Python processes that it starts, instead of importing anew.

A load worker's template, the parts of the reference system and the guard take up to half a second
of CPU each to import what this process has imported. Before its first thread begins, a command
leaves a copy of itself aside. That one forks them, as children of the command (CLONE_PARENT), with
their own words and environment in /proc.
Add here: another way in which the product starts Python. Keep out: what is imported before
(command_template.py), and whoever wants an interpreter of its own (`CommandLine.start`).
"""

import atexit
import ctypes
import json
import os
import platform
import resource
import runpy
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fcntl import F_DUPFD_CLOEXEC, fcntl
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, Final, NoReturn

from perf_pipeline.engine import forked_worker
from perf_pipeline_tests.support.commands.proc_words import can_show, show

_CLONE: Final = MappingProxyType({"x86_64": 56, "aarch64": 220})
_CLONE_PARENT: Final = 0x8000
_LONGEST_BYTES: Final = 200_000
_MOST_DESCRIPTORS: Final = 20
_STANDARD: Final = 3
_BEGINNING: Final = (sys.executable, "-P", "-m")
_ANSWER_LIMIT_S: Final = 30.0


def offer_forks() -> None:
    """Fork what this process starts as `python -P -m …` from now on; it has no thread yet.

    Where the system lets no process choose what it shows, all stays as it is.
    """
    if platform.machine() not in _CLONE or not can_show():
        return
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        ours.close()
        _fork_on_request(theirs)
    theirs.close()
    ours.settimeout(_ANSWER_LIMIT_S)
    _take_the_place_of_starts(_Aside(ours))


class _Aside:
    """Ask the copy for forks, one question at a time."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._lock = threading.Lock()
        self._environment = _of_interpreter(os.environ)

    def forks(self, words: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Say whether a fork does for a command: a module, with the same settings of Python."""
        return (
            tuple(words[: len(_BEGINNING)]) == _BEGINNING
            and _of_interpreter(environment) == self._environment
        )

    def start(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        files: Mapping[int, int],
        **group: int | None,
    ) -> int:
        """Fork a process that has nothing open but `files`, its number to ours; return its id.

        Raises:
            OSError: the copy has ended, or may not fork.
        """
        question = {
            "words": [*words],
            "environment": {**environment},
            "folder": str(Path.cwd()),
            "numbers": [*files],
            "umask": Path("/proc/self/status").read_text().partition("Umask:")[2].split()[0],
            "files": resource.getrlimit(resource.RLIMIT_NOFILE),
            **group,
        }
        with self._lock:
            socket.send_fds(self._link, [json.dumps(question).encode()], [*files.values()])
            pid = int(self._link.recv(_LONGEST_BYTES) or -1)
        if pid < 0:
            raise ConnectionResetError("what was to fork a process has ended, or may not")
        return pid


def _of_interpreter(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: text
        for name, text in environment.items()
        if name.startswith(("PYTHON", "LC_", "LANG")) and name != "PYTHONUNBUFFERED"
    }


def _take_the_place_of_starts(aside: _Aside) -> None:
    """Put forks in the two places where the product starts Python: workers and a stack's parts."""
    spawned = os.posix_spawn

    def spawn(path: str, words: Sequence[str], environment: Any, **how: Any) -> int:
        if not aside.forks(words, environment):
            return spawned(path, [*words], environment, **how)
        files: dict[int, int] = {}
        for action, number, *rest in how["file_actions"]:
            is_open = action == os.POSIX_SPAWN_OPEN
            files[number if is_open else rest[0]] = (
                os.open(*rest) if is_open else os.dup(files[number])
            )
        try:
            return aside.start(words, environment, files, session=int(how["setsid"]))
        except OSError:
            return spawned(path, [*words], environment, **how)
        finally:
            for opened in files.values():
                os.close(opened)

    class Started(subprocess.Popen[bytes]):
        """Stand for a worker template, whose standard streams are all /dev/null."""

        def __init__(self, words: Sequence[str], **how: Any) -> None:
            try:
                self.pid = self._forked(words, how)
            except OSError:
                super().__init__(words, **how)
                return
            self.returncode = None
            self.stdin = self.stdout = self.stderr = None
            self.args = words
            self._child_created = True
            self._waitpid_lock = threading.Lock()

        @staticmethod
        def _forked(words: Sequence[str], how: Mapping[str, Any]) -> int:
            if not aside.forks(words, how["env"]):
                raise OSError("it needs an interpreter of its own")
            with Path(os.devnull).open("r+b", buffering=0) as nothing:
                files = dict.fromkeys(range(_STANDARD), nothing.fileno())
                files |= {number: number for number in how["pass_fds"]}
                return aside.start(words, how["env"], files, group=how["process_group"])

    os.posix_spawn = spawn  # type: ignore[assignment]
    as_before = {name: getattr(subprocess, name) for name in ("DEVNULL", "TimeoutExpired")}
    forked_worker.subprocess = SimpleNamespace(Popen=Started, **as_before)  # type: ignore[assignment, attr-defined]


def _fork_on_request(link: socket.socket) -> NoReturn:
    """Wait for questions until the command has ended."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(_STANDARD):
        os.dup2(nothing, standard)
    for opened in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        if opened >= _STANDARD and opened != link.fileno():
            with suppress(OSError):
                os.close(opened)
    while True:
        question, fds, _, _ = socket.recv_fds(link, _LONGEST_BYTES, _MOST_DESCRIPTORS)
        if not question:
            os._exit(0)
        read, written = os.pipe()
        pid = _fork_for_parent()
        if pid == 0:
            link.close()
            os.close(read)
            _become(json.loads(question), fds, written)
        for fd in (*fds, written):
            os.close(fd)
        os.read(read, 1)  # it is in its session, and shows its own words, or has ended
        os.close(read)
        link.send(str(pid).encode())


def _fork_for_parent() -> int:
    """Fork as `os.fork` does, but a child of this process's parent. Source: clone(2)."""
    python, system = ctypes.pythonapi, ctypes.PyDLL(None)
    system.syscall.restype = ctypes.c_long
    python.PyOS_BeforeFork()
    nothing = [ctypes.c_long(0)] * 4
    number = ctypes.c_long(_CLONE[platform.machine()])
    pid = int(system.syscall(number, ctypes.c_long(_CLONE_PARENT | signal.SIGCHLD), *nothing))
    (python.PyOS_AfterFork_Child if pid == 0 else python.PyOS_AfterFork_Parent)()
    return pid


def _become(asked: Mapping[str, Any], fds: Sequence[int], ready: int) -> NoReturn:
    """Be the process that was asked for, until its end."""
    code = 1
    try:
        ready = _take(fds, asked["numbers"], ready)
        _settle(asked)
        words = asked["words"]
        show(words, asked["environment"])
        os.close(ready)
        code = run_module(words[len(_BEGINNING)], words[len(_BEGINNING) + 1 :])
    finally:
        _end(code)


def _take(fds: Sequence[int], numbers: Sequence[int], ready: int) -> int:
    """Move descriptors to the numbers that the process was promised; return the new `ready`."""
    free = max(numbers) + 1
    *moved, ready_moved = [fcntl(fd, F_DUPFD_CLOEXEC, free) for fd in (*fds, ready)]
    for fd in (*fds, ready):
        if fd not in numbers:
            os.close(fd)
    for fd, number in zip(moved, numbers, strict=True):
        os.dup2(fd, number)
        os.close(fd)
    return ready_moved


def _settle(asked: Mapping[str, Any]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    if asked.get("session"):
        os.setsid()
    elif asked.get("group") is not None:
        os.setpgid(0, asked["group"])
    os.umask(int(asked["umask"], 8))
    resource.setrlimit(resource.RLIMIT_NOFILE, tuple(asked["files"]))
    for name in os.environ.keys() - asked["environment"].keys():
        del os.environ[name]
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    if "PYTHONUNBUFFERED" in os.environ:
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def run_module(module: str, arguments: Sequence[str]) -> int:
    """Run a module as `python -m` does; return the exit code."""
    sys.argv[:] = ["-m", *arguments]
    if not hasattr(sys.modules.get(module), "__path__"):  # of a package, another module is run
        sys.modules.pop(module, None)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as wish:
        if isinstance(wish.code, str):
            sys.stderr.write(f"{wish.code}\n")
            return 1
        return int(wish.code or 0)
    except KeyboardInterrupt:
        traceback.print_exc()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # noqa: BLE001 - told as an interpreter tells it
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> NoReturn:
    """End as an interpreter does, without taking modules apart, which copies their pages."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
