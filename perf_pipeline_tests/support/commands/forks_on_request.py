"""Fork processes for whoever asks, from one that has imported what they need.

A copy that a command leaves aside does so (forked_children.py), and the template that pytest starts
(command_template.py). What it forks is a child of its own parent (CLONE_PARENT), shows its own
words and environment in /proc, and has nothing open but what it was promised.
Add here: another property that a process may be asked to have. Keep out: who asks.
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
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from fcntl import F_DUPFD_CLOEXEC, fcntl
from functools import partial
from itertools import dropwhile
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NoReturn, TextIO

from perf_pipeline_tests.support.commands.proc_words import can_show, show

_CLONE: Final = MappingProxyType({"x86_64": 56, "aarch64": 220})
_CLONE_PARENT: Final = 0x8000
_LONGEST_BYTES: Final = 200_000
_MOST_DESCRIPTORS: Final = 20
_STANDARD: Final = 3
# The exit code of an interpreter that could not flush a standard stream. Source: Py_FinalizeEx.
_NOT_FLUSHED: Final = 120
_PYTHON: Final = sys.executable
WARNINGS: Final = "PYTHONWARNINGS"
_OF_TEXT: Final = "perf_pipeline_tests.support.commands.program_text"
_COMMAND: Final = str(Path(_PYTHON).with_name("perf-pipeline"))


def can_fork_on_request() -> bool:
    """Say whether this system lets a process fork for its parent, and show other words."""
    return platform.machine() in _CLONE and can_show()


def module_of(words: Sequence[str]) -> tuple[str, Sequence[str]] | None:
    """Find the module that a command runs, and its arguments; None where it runs something else.

    Args:
        words: the command: our own, or this Python, `-m` and a module, or `-c` and the text of a
            program. Before these may stand what multiprocessing repeats of a variable or of `-P`.
    """
    match [*words]:
        case [first, *rest] if first == _COMMAND:
            return "perf_pipeline.__main__", rest
        case [first, *rest] if first == _PYTHON:
            match [*dropwhile(_is_as_forks_are, rest)]:
                case ["-m", module, *arguments]:
                    return module, arguments
                case ["-c", *text_and_arguments]:
                    return _OF_TEXT, text_and_arguments
    return None


def _is_as_forks_are(option: str) -> bool:
    """Say whether all forks are as an option of the interpreter asks, or its variable is told."""
    return option in {"-P", "-B"} or option.startswith("-W")


def wait_for_questions(link: socket.socket, before: Callable[[Sequence[str]], None]) -> NoReturn:
    """Fork for each question until whoever asks has ended.

    Args:
        link: to whoever asks; a process has nothing else open meanwhile.
        before: what a fork does first, with its words.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(_STANDARD):
        os.dup2(nothing, standard)
    _close_all_but({*range(_STANDARD), link.fileno()})
    while fork_on_request(link, before):
        pass
    os._exit(0)


def fork_on_request(link: socket.socket, before: Callable[[Sequence[str]], None]) -> bool:
    """Take one question, and answer with the id of the fork; say no where nobody asks any more."""
    question, fds, _, _ = socket.recv_fds(link, _LONGEST_BYTES, _MOST_DESCRIPTORS)
    if not question:
        return False
    read, written = os.pipe()
    pid = _fork_for_parent()
    if pid == 0:
        _become(json.loads(question), fds, written, before)
    for fd in (*fds, written):
        os.close(fd)
    os.read(read, 1)  # it is in its session, and shows its own words, or has ended
    os.close(read)
    link.send(str(pid).encode())
    return True


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


def _become(
    asked: Mapping[str, Any],
    fds: Sequence[int],
    ready: int,
    before: Callable[[Sequence[str]], None],
) -> NoReturn:
    """Be the process that was asked for, until its end."""
    try:
        ready = _take(fds, asked["numbers"], ready)
        _settle(asked)
        words = asked["words"]
        show(words, asked["environment"])
        os.close(ready)
        before(words)
        run_to_the_end(words)
    finally:
        _end(1)


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
    _close_all_but({*numbers, ready_moved})
    return ready_moved


def _close_all_but(kept: set[int]) -> None:
    for opened in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        if opened not in kept:
            with suppress(OSError):
                os.close(opened)


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
    _warn_as(asked["environment"].get(WARNINGS, ""))
    for name in os.environ.keys() - asked["environment"].keys():
        del os.environ[name]
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    open_streams()


def _warn_as(asked: str) -> None:
    """Take the filters of PYTHONWARNINGS, as an interpreter does when it starts."""
    if asked and asked != os.environ.get(WARNINGS):
        sys.warnoptions[:] = asked.split(",")
        warnings._processoptions(sys.warnoptions)  # type: ignore[attr-defined]


def open_streams() -> None:
    """Open the standard streams anew: what they lead to may be no file any more, but a pipe."""
    is_unbuffered = "PYTHONUNBUFFERED" in os.environ
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        before = getattr(sys, name)
        stream = open(  # noqa: SIM115 - a number, and open until the end
            number,
            "w" if number else "r",
            encoding=before.encoding,
            errors=before.errors,
            closefd=False,
        )
        if number:
            is_direct = is_unbuffered or name == "stderr" or stream.isatty()
            stream.reconfigure(line_buffering=is_direct)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def run_to_the_end(words: Sequence[str]) -> NoReturn:
    """Run a module, or our own command by whatever path, and end as an interpreter would.

    Args:
        words: the module, as of `module_of`; all others are those of our own command.
    """
    code = 1
    try:
        code = _run(words)
    finally:
        _end(code)


def _run(words: Sequence[str]) -> int:
    found = module_of(words)
    if found is None or words[0] == _COMMAND:
        return _code_of(_run_our_command, words)
    return run_module(*found)


def _run_our_command(words: Sequence[str]) -> None:
    from perf_pipeline.__main__ import leave, start  # noqa: PLC0415 - it listens from here on

    sys.argv[:] = words
    try:
        start()
    finally:
        atexit.unregister(leave)  # what the template registered before it is called as well


def run_module(module: str, arguments: Sequence[str]) -> int:
    """Run a module as `python -m` does; return the exit code."""
    sys.argv[:] = ["-m", *arguments]
    if not hasattr(sys.modules.get(module), "__path__"):  # of a package, another module is run
        sys.modules.pop(module, None)
    return _code_of(partial(runpy.run_module, run_name="__main__", alter_sys=True), module)


def _code_of(body: Callable[[Any], object], given: object) -> int:
    try:
        body(given)
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
    flushed = [_is_flushed(stream) for stream in (sys.stdout, sys.stderr)]
    os._exit(code if all(flushed) else _NOT_FLUSHED)


def _is_flushed(stream: TextIO | None) -> bool:
    if stream is None or stream.closed:
        return True
    try:
        stream.flush()
    except (OSError, ValueError):
        if stream is sys.stdout:
            with suppress(OSError, ValueError):
                sys.stderr.write(f"Exception ignored in: {stream!r}\n{traceback.format_exc()}")
        return False
    return True
