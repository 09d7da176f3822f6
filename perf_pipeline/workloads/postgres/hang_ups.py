"""Tell a connection that the other side has hung up, whatever the event loop makes of it.

A socket that was reset has an error beside the bytes that are still to be read. libuv stops to poll
such a socket, and uvloop calls its reader once more and never again, without a word: who reads the
server's farewell then would wait for the end for ever. An epoll of our own goes on to tell of it,
and tells of nothing else, so that it costs nothing before.
Add here: nothing. Keep out: what is read (exchange.py).
"""

import asyncio
import select
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from weakref import WeakValueDictionary


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """Hold a socket, and the callback for when the other side has hung up."""

    fd: int
    tell: Callable[[], None]


class HangUps:
    """Watch sockets of an event loop for their end alone.

    Only Linux has epoll; elsewhere nothing is watched.

    Args:
        loop: the running one.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll: select.epoll | None = None
        self._watched: dict[int, Watched] = {}

    def watch(self, fd: int, tell: Callable[[], None]) -> Watched:
        """Call back when the other side has hung up, once a turn of the loop until it is forgotten.

        A socket of this number that was watched before was closed by its owner, and is forgotten.
        """
        watched = self._watched[fd] = Watched(fd, tell)
        if sys.platform == "linux":
            if self._epoll is None:
                self._epoll = select.epoll()
                self._loop.add_reader(self._epoll.fileno(), self._tell)
            # Errors and the end of both directions are always reported.
            self._epoll.register(fd, select.EPOLLRDHUP)
        return watched

    def forget(self, watched: Watched) -> bool:
        """Watch a socket no longer; False where its number belongs to another by now."""
        if self._watched.get(watched.fd) is not watched:
            return False
        del self._watched[watched.fd]
        if self._epoll is None:
            return True
        with suppress(OSError):  # it was closed, and so is forgotten already
            self._epoll.unregister(watched.fd)
        if not self._watched:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None
        return True

    def _tell(self) -> None:
        if self._epoll is None:
            return
        for fd, _ in self._epoll.poll(0):
            watched = self._watched.get(fd)
            if watched is not None:
                watched.tell()


_OF_LOOPS: WeakValueDictionary[int, HangUps] = WeakValueDictionary()
"""By the loop's identity: an entry holds its loop, and goes with the last that watches there."""


def hang_ups() -> HangUps:
    """Return what watches the sockets of the running event loop, as long as somebody keeps it."""
    loop = asyncio.get_running_loop()
    found = _OF_LOOPS.get(id(loop))
    if found is None:
        found = _OF_LOOPS[id(loop)] = HangUps(loop)
    return found
