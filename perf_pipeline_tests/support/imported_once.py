"""Let pytest's processes be forks of one that has imported all tests, instead of importing anew.

`python -m perf_pipeline_tests.support.imported_once FD FILE…` collects the files, which imports and
rewrites them, and then forks a process for each question (forks_on_request.py). Importing all tests
takes 7 s of CPU, collecting them once more 2 s, and a first draw of Hypothesis 5 s.
Where no process can be had by a fork, or one is started anew after a crash, it is an interpreter;
so are all of them where an import has begun a thread, which a fork would be without.
Add here: what all of pytest's processes have imported. Keep out: what each of them has of its own
(places.py), which is worked out after the fork.
"""

import ast
import gc
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest
from execnet.gateway_io import popen_bootstrapline

from perf_pipeline_tests.support.commands.forked_children import Aside, forking
from perf_pipeline_tests.support.commands.forks_on_request import (
    can_fork_on_request,
    wait_for_questions,
)

_MODULE: Final = "perf_pipeline_tests.support.imported_once"
_FIRST_DRAW: Final = "perf_pipeline_tests.support.first_draw"
# What counts second tries begins a thread.
_WITHOUT: Final = ("-p", "no:cacheprovider", "-p", "no:rerunfailures")
_ONLY_COLLECT: Final = ("--collect-only", "-qq", *_WITHOUT)
_THREADS: Final = "OPENBLAS_NUM_THREADS"
_LINK: Final = pytest.StashKey[socket.socket]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to import, where several processes will be asked for; the rest is done beside it."""
    is_one = not config.getoption("numprocesses", default=None)
    if is_one or config.option.collectonly or not can_fork_on_request():
        return
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", _MODULE, str(theirs.fileno()), *config.args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Plugins of this run may ask, as they are imported, which process they are in.
            env={key: text for key, text in os.environ.items() if key != "PYTEST_ADDOPTS"},
            pass_fds=[theirs.fileno()],
        )
    config.stash[_LINK] = ours
    config.add_cleanup(lambda: process.communicate() and None)
    config.add_cleanup(ours.close)  # is done first, and ends it


@pytest.hookimpl(wrapper=True)
def pytest_sessionstart(session: pytest.Session) -> Iterator[None]:
    """Give pytest-xdist, which starts its processes now, forks."""
    link = session.config.stash.get(_LINK, None)
    if link is None:
        return (yield)
    with pytest.MonkeyPatch.context() as patch, link:
        aside = Aside(lambda: link, os.environ)
        patch.setattr(subprocess, "Popen", _gateways(forking(aside)))
        return (yield)


def _gateways(process: type[subprocess.Popen[Any]]) -> type[subprocess.Popen[Any]]:
    """Let the interpreters that execnet starts be runs of this module."""

    class Gateway(process):  # type: ignore[misc, valid-type]  # it is made at run-time
        """Start what was asked for; of execnet's processes, a fork."""

        def __init__(self, args: Any, *given: Any, **how: Any) -> None:
            if [*args][:1] == [sys.executable] and [*args][-1] == popen_bootstrapline:
                args = [sys.executable, "-m", _MODULE]
            super().__init__(args, *given, **how)

    return Gateway


def main() -> None:
    """Import all tests and fork; or, without words, be one of pytest's processes."""
    if len(sys.argv) == 1:
        # The same as execnet's own first line.
        exec(ast.literal_eval(sys.stdin.readline()), {"__name__": "__main__"})  # noqa: S102
        return
    with socket.socket(fileno=int(sys.argv[1])) as link:
        with _one_thread():
            import_module("scipy.linalg")
        sys.dont_write_bytecode = False  # what pytest makes of a file takes as long as the import
        pytest.main([*_ONLY_COLLECT, *sys.argv[2:]])
        if "hypothesis" in sys.modules:  # else nothing here draws
            import_module(_FIRST_DRAW).draw()
        if len([*Path("/proc/self/task").iterdir()]) > 1:
            return
        gc.collect()
        gc.freeze()
        wait_for_questions(link, lambda _: None)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let libraries of arrays start no thread: a fork would be without it."""
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        yield
    finally:
        del os.environ[_THREADS]
        if before is not None:
            os.environ[_THREADS] = before


if __name__ == "__main__":
    main()
