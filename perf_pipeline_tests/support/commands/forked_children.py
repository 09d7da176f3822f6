"""Let a process of a test fork the Python processes that it starts, instead of importing anew.

A load worker's template, the parts of the reference system and the guard take up to half a second
of CPU each to import what this process has imported, a process of Dagster two. Before its first
thread begins, a command leaves a copy of itself aside. That one forks them, as children of the
command, with their own words and environment in /proc.
Add here: another way in which the product starts Python. Keep out: what is imported before
(command_template.py), how a fork is made (forks_on_request.py), and whoever wants an interpreter of
its own (`CommandLine.start`).
"""

import json
import os
import resource
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import util
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from perf_pipeline.engine import forked_worker, worker_start
from perf_pipeline_tests.support.commands.forks_on_request import (
    WARNINGS,
    can_fork_on_request,
    module_of,
    wait_for_questions,
)
from perf_pipeline_tests.support.commands.proc_words import show

_LONGEST_ANSWER_BYTES: Final = 100
# What forks may still import; a test's own limit is shorter.
_ANSWER_LIMIT_S: Final = 300.0
# What an interpreter reads when it starts.
_READ_EARLY: Final = ("PYTHON", "LC_", "LANG")
# A fork opens its streams anew, and no fork looks for modules in the folder that it is started in.
_AS_FORKS_ARE: Final = frozenset({"PYTHONUNBUFFERED", "PYTHONSAFEPATH"})
# What Popen asks its own way of starting for, after the words of the command (Python 3.11 to 3.14).
_HOW: Final = (
    *("executable", "preexec_fn", "close_fds", "pass_fds", "cwd", "env", "startupinfo"),
    *("creationflags", "shell", "p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread"),
    *("errwrite", "restore_signals", "gid", "gids", "uid", "umask", "start_new_session"),
    "process_group",
)
_ENDS: Final = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
_STANDARD: Final = ("p2cread", "c2pwrite", "errwrite")
_AS_OURS: Final = -1
_STREAMS: Final = 3
# Commands that start others; each costs a fork more.
_STARTERS: Final = frozenset(
    {
        *("run", "capacity", "scaling", "duet", "up", "perf_pipeline.fleet.agent"),
        *("materialize", "ui", "dev", "code-server", "grpc"),
    }
)


def offer_forks(words: Sequence[str]) -> None:
    """Fork what this process starts as `python -m ...` from now on; it has no thread yet.

    Where the system lets no process choose what it shows, all stays as it is.

    Args:
        words: of this process: most commands start none.
    """
    if _STARTERS.isdisjoint(words) or not can_fork_on_request():
        return
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        ours.close()
        show(["aside"], {})  # who looks for what a command has left must not find this copy
        wait_for_questions(theirs, offer_forks)
    theirs.close()
    aside = Aside(lambda: ours, os.environ)
    fork_from(aside)
    subprocess.Popen = forking(aside)  # type: ignore[misc, assignment]


class Aside:
    """Ask another process for forks, one question at a time.

    Args:
        link: gives the socket that leads to it, which is asked for at the first question.
        environment: that it has been started with.
    """

    def __init__(self, link: Callable[[], socket.socket], environment: Mapping[str, str]) -> None:
        self._link = link
        self._lock = threading.Lock()
        self._environment = _of_interpreter(environment)

    def start(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        files: Mapping[int, int],
        **more: object,
    ) -> int:
        """Fork a process that has nothing open but `files`, its number to ours; return its id.

        Raises:
            OSError: it needs an interpreter of its own; the copy has ended, or may not fork.
        """
        if module_of(words) is None or not self._may_differ_so(environment):
            raise OSError("it needs an interpreter of its own")
        question = {
            "words": [*words],
            "environment": {**environment},
            "folder": str(Path.cwd()),
            "umask": Path("/proc/self/status").read_text().partition("Umask:")[2].split()[0],
            "numbers": [*files],
            "files": resource.getrlimit(resource.RLIMIT_NOFILE),
            **more,
        }
        with self._lock:
            link = self._link()
            link.settimeout(_ANSWER_LIMIT_S)
            try:
                socket.send_fds(link, [json.dumps(question).encode()], [*files.values()])
                pid = int(link.recv(_LONGEST_ANSWER_BYTES) or -1)
            except BaseException:
                link.close()  # a late answer would be taken for that to another question
                raise
        if pid < 0:
            raise ConnectionResetError("what was to fork a process has ended, or may not")
        return pid

    def _may_differ_so(self, environment: Mapping[str, str]) -> bool:
        """Say whether a fork can be as an interpreter with that environment."""
        asked = _of_interpreter(environment)
        if WARNINGS not in self._environment:  # a fork adds filters, and can't take any away
            asked.pop(WARNINGS, None)
        return asked == self._environment


def _of_interpreter(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: text
        for name, text in environment.items()
        if name.startswith(_READ_EARLY) and name not in _AS_FORKS_ARE
    }


def fork_from(aside: Aside) -> None:
    """Put forks in the places where Python starts Python: workers, a stack's parts, and Dagster."""
    spawned = os.posix_spawn

    def spawn(path: str, words: Sequence[str], environment: Any, **how: Any) -> int:
        files: dict[int, int] = {}
        try:
            for action, number, *rest in how["file_actions"]:
                is_open = action == os.POSIX_SPAWN_OPEN
                files[number if is_open else rest[0]] = (
                    os.open(*rest) if is_open else os.dup(files[number])
                )
            return aside.start(words, environment, files, session=int(how["setsid"]))
        except (OSError, KeyError):
            return spawned(path, [*words], environment, **how)
        finally:
            for opened in files.values():
                os.close(opened)

    os.posix_spawn = spawn  # type: ignore[assignment]
    _fork_for_multiprocessing(aside)
    started = forking(aside)
    as_before = {name: getattr(subprocess, name) for name in ("DEVNULL", "PIPE", "TimeoutExpired")}
    for module in (forked_worker, worker_start):
        module.subprocess = SimpleNamespace(Popen=started, **as_before)  # type: ignore[attr-defined]


def _fork_for_multiprocessing(aside: Aside) -> None:
    """Fork what multiprocessing spawns, as Dagster does for each run."""
    spawned = util.spawnv_passfds

    def spawn(path: Any, words: Sequence[Any], numbers: Sequence[int]) -> int:
        files = {number: number for number in (*range(_STREAMS), *numbers)}
        try:
            return aside.start([os.fsdecode(word) for word in words], os.environ, files)
        except OSError:
            return int(spawned(path, words, numbers))

    util.spawnv_passfds = spawn  # type: ignore[assignment]


def forking(aside: Aside) -> type[subprocess.Popen[Any]]:
    """Give a `Popen` whose processes are forks wherever a fork does; all else stays as it is."""

    class Started(subprocess.Popen[Any]):
        """Start a process as it was asked for."""

        def _execute_child(self, args: Any, *given: Any) -> None:
            how = dict(zip(_HOW, given, strict=True))
            try:
                self.pid = _started(aside, args, how)
            except OSError:
                super()._execute_child(args, *given)  # type: ignore[misc]
                return
            self._child_created = True
            self._close_pipe_fds(*(how[end] for end in _ENDS))  # type: ignore[attr-defined]

    return Started


def _started(aside: Aside, args: Any, how: Mapping[str, Any]) -> int:
    if how["shell"] or how["preexec_fn"] or isinstance(args, str | bytes):
        raise OSError("it needs an interpreter of its own")
    words = [os.fsdecode(word) for word in args]
    files = {
        number: number if how[end] == _AS_OURS else how[end] for number, end in enumerate(_STANDARD)
    }
    files |= {number: number for number in how["pass_fds"]}
    more: dict[str, object] = {"session": how["start_new_session"]}
    if how["process_group"] != _AS_OURS:
        more["group"] = how["process_group"]
    if how["cwd"] is not None:
        more["folder"] = str(Path(os.fsdecode(how["cwd"])).absolute())
    environment = os.environ if how["env"] is None else how["env"]
    return aside.start(words, environment, files, **more)
