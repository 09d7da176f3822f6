"""A process that has imported what a run needs, and becomes a command by a fork, in milliseconds.

`python -m ….command_template SOCKET SOCKET MODULE…`, started by forked.py. It has one thread. It
ends with pytest, Ctrl-C is not for it, and it leaves no command running. A question of the first
socket makes a child of its own, which it awaits; one of the second socket, a child of pytest.
Add here: another module that most commands import. Keep out: what is asked of it (forked.py).
"""

import gc
import json
import os
import selectors
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import Final, NoReturn

import duckdb

from perf_pipeline.config.frozen import build_models
from perf_pipeline.report import markdown, pages
from perf_pipeline.store.migrate import make_tables
from perf_pipeline_tests.support.commands.forked_children import offer_forks
from perf_pipeline_tests.support.commands.forks_on_request import (
    fork_on_request,
    open_streams,
    run_to_the_end,
)

# What a run imports on its way, and a comparison of runs; all of it without a thread of its own.
_MODULES: Final = (
    "encodings.idna",
    "httpcore",
    "perf_pipeline.cli.main",
    "perf_pipeline.cli.narrator",
    "perf_pipeline.cli.verdict",
    "perf_pipeline.config.loading",
    "perf_pipeline.judging.publish",
    "perf_pipeline.loading.stopping",
    "perf_pipeline.loading.target_findings",
    "perf_pipeline.probes.redis",
    "perf_pipeline.report.terminal",
    "perf_pipeline.runs.pipeline",
    "rich._emoji_codes",
    "scipy.special",
)
# What the processes import that a run starts.
_OF_CHILDREN: Final = (
    "perf_pipeline.engine.worker",
    "perf_pipeline.reference_system.app",
    "perf_pipeline.reference_system.deliveries",
    "perf_pipeline.stack.ending",
    "perf_pipeline.workloads.kafka.consume",
    "perf_pipeline.workloads.kafka.produce",
    "perf_pipeline.workloads.python.scenario",
    "perf_pipeline.workloads.steps.scenario",
    "perf_pipeline.workloads.users",
    "uvicorn",
    "uvloop",
)
# What is worked out as it is imported, from the environment and the folder of that moment.
_IMPORTED_ANEW: Final = "perf_pipeline.definitions"
_ANY_SAMPLES: Final = (
    "select run_id, count(*), median(ended_us) from samples group by all order by all"
)
LONGEST_QUESTION_BYTES: Final = 200_000
_DESCRIPTORS: Final = 4


def main() -> None:
    """Fork a command for each question; tell its pid, and its exit code when it has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    link, children = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    for name in (*_MODULES, *_OF_CHILDREN, *sys.argv[3:]):
        import_module(name)
    sys.modules.pop(_IMPORTED_ANEW, None)
    _compile_layouts()
    build_models()
    _warm_duckdb()
    gc.collect()
    gc.freeze()
    with selectors.DefaultSelector() as waiting:
        waiting.register(link, selectors.EVENT_READ)
        waiting.register(children, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.fileobj is children:
                    if not fork_on_request(children, offer_forks):
                        waiting.unregister(children)  # its end can be read without end
                        children.close()
                elif key.fileobj is not link:
                    waiting.unregister(key.fileobj)
                    _tell_end(key.fd, *key.data)
                elif not _is_asked(link, waiting):
                    return


def _compile_layouts() -> None:
    """Compile the templates of reports, which takes as much CPU as to fill them in."""
    for escaped, ending in ((pages.html_escaped, "html"), (markdown.escaped, "md")):
        layouts = pages._environment(escaped)
        for name in layouts.list_templates(extensions=[ending]):
            layouts.get_template(name)


def _warm_duckdb() -> None:
    """Let DuckDB's code find its own parts, which took each command 12 ms of CPU or more.

    It is closed again, so that no thread of it is there at a fork.
    """
    with duckdb.connect(":memory:") as connection:
        make_tables(connection, has_view=True)
        connection.execute(_ANY_SAMPLES).fetchall()


def _is_asked(link: socket.socket, waiting: selectors.BaseSelector) -> bool:
    """Fork a command; say no when pytest has ended, and in the command when that has ended."""
    question, fds, _, _ = socket.recv_fds(link, LONGEST_QUESTION_BYTES, _DESCRIPTORS)
    if not question:
        _end_commands(waiting)
        return False
    answer = socket.socket(fileno=fds.pop())
    pid = os.fork()
    if pid == 0:
        _forget_others(waiting, link)
        answer.close()
        _become(json.loads(question), fds)
    for fd in fds:
        os.close(fd)
    answer.send(str(pid).encode())
    waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, answer))
    return True


def _end_commands(waiting: selectors.BaseSelector) -> None:
    """End the commands that still run: a pytest that was killed could not, and nobody else does."""
    for key in waiting.get_map().values():
        if not isinstance(key.fileobj, socket.socket):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(key.fd, signal.SIGKILL)


def _forget_others(waiting: selectors.BaseSelector, link: socket.socket) -> None:
    link.close()
    for key in waiting.get_map().values():
        if isinstance(key.fileobj, socket.socket):
            key.fileobj.close()
        else:
            os.close(key.fd)
            key.data[1].close()


def _tell_end(pidfd: int, pid: int, answer: socket.socket) -> None:
    os.close(pidfd)
    with answer, suppress(OSError):  # who asked may have gone
        answer.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())


def _become(asked: dict[str, object], fds: list[int]) -> NoReturn:
    """Run the command line as its own first lines do, with what it was given."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    words, environment = asked["words"], asked["environment"]
    assert isinstance(words, list)
    assert isinstance(environment, dict)
    for standard, fd in enumerate(fds):
        os.dup2(fd, standard)
        os.close(fd)
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)
    os.chdir(str(asked["folder"]))
    os.umask(int(str(asked["umask"]), 8))
    open_streams()
    offer_forks(words)
    run_to_the_end(words)


if __name__ == "__main__":
    main()
