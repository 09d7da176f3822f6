"""A `perf-pipeline` for scripts of shell: a program that is a fork, as soon as it has been started.

A script that calls six commands would import all that they need six times, a second of CPU each.
Not for what sends a command signals, nor for how it starts: then a script needs the command itself.
Add here: nothing. Keep out: what a fork is (forked.py, command_template.py).
"""

import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Final

from perf_pipeline_tests.support.commands.command_template import LONGEST_QUESTION_BYTES
from perf_pipeline_tests.support.commands.forked import asked_for

_ITSELF: Final = Path(sys.executable).with_name("perf-pipeline")
_STREAMS: Final = 3
# It knows how its command ended by the other end of a socket; nobody tells it where none is forked.
_PROGRAM: Final = """\
#!{python} -IS
import json, os, socket, sys
told, teller = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
asked = json.dumps([sys.argv, dict(os.environ), os.getcwd()]).encode()
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link:
    link.connect({address!r})
    socket.send_fds(link, [asked], [0, 1, 2, teller.fileno()])
teller.close()
if not told.recv(99):
    os.execv({itself!r}, [{itself!r}, *sys.argv[1:]])
code = int(told.recv(99))
sys.exit(code if code >= 0 else 128 - code)
"""


@contextmanager
def forked_program(path: Path) -> Iterator[None]:
    """Put a program where scripts find it, as long as the block lasts.

    Args:
        path: of the program; its folder is there.
    """
    # A socket's path has to be short.
    with tempfile.TemporaryDirectory() as folder, _listening(f"{folder}/asked") as address:
        text = _PROGRAM.format(python=sys.executable, address=address, itself=str(_ITSELF))
        path.write_text(text, encoding="utf-8")
        path.chmod(0o700)
        try:
            yield
        finally:
            path.unlink()


@contextmanager
def _listening(address: str) -> Iterator[str]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asked:
        asked.bind(address)
        asked.listen()
        thread = Thread(target=_answer, args=(asked,), daemon=True)
        thread.start()
        try:
            yield address
        finally:
            with suppress(OSError):
                asked.shutdown(socket.SHUT_RDWR)  # or it would wait for another question
            thread.join()


def _answer(asked: socket.socket) -> None:
    # It was shut down; or else whoever asks next is refused at once, and does not wait.
    with asked, suppress(OSError):
        while True:
            link, _ = asked.accept()
            with link:
                question, fds, _, _ = socket.recv_fds(link, LONGEST_QUESTION_BYTES, _STREAMS + 1)
            words, environment, folder = json.loads(question)
            asked_for(words, environment, folder, fds)
            for fd in fds:
                os.close(fd)
