"""A way to a port of this machine that can be pulled, put in again, and cut.

Add here: another thing that happens to a cable. Keep out: what is connected (direct_agents.py).
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

_BYTES = 1 << 16


class Cable:
    """Pass on what both ends say, over connections of its own.

    Args:
        port: of 127.0.0.1, where it leads to.

    Attributes:
        port: where it begins.
    """

    def __init__(self, port: int) -> None:
        self._far = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._is_in = threading.Event()
        self._is_in.set()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, target: Callable[..., None], *args: socket.socket) -> None:
        self._threads.append(threading.Thread(target=target, args=args, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._sockets.append(near)
                self._is_in.wait()
                far = socket.create_connection(("127.0.0.1", self._far))
                self._sockets.append(far)
                for ends in ((near, far), (far, near)):
                    self._start(self._pass_on, *ends)

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(_BYTES):
                self._is_in.wait()
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def pull(self) -> None:
        """Let nothing through, in silence."""
        self._is_in.clear()

    def put_in(self) -> None:
        """Let everything through again, also what waited."""
        self._is_in.set()

    def cut(self) -> None:
        """End all connections that go through it now."""
        for end in self._sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let nobody through any more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.put_in()
        self.cut()
        for thread in self._threads:
            thread.join()
        for end in self._sockets:
            end.close()


@contextlib.contextmanager
def cable(port: int) -> Iterator[Cable]:
    """Give a cable to a port until the block ends."""
    with contextlib.closing(Cable(port)) as made:
        yield made
