"""The order in which answers are read and clients go on, when several answers have come at once.

One epoll holds the sockets of a worker, and the event loop watches that epoll alone. A turn of the
loop for each socket, and another one in which clients go on, took a tenth of a short select.
Add here: nothing. Keep out: what they go on with (straight_runs.py, statement_runs.py).
"""

import asyncio
import select
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from psycopg import pq

T = TypeVar("T")
_MOST_AT_ONCE: Final = 64  # answers; the others are read in the loop's next turn
_READABLE: Final = 1  # EPOLLIN, which `select` has on Linux alone


class Turns:
    """Let those who have their answers go on together, when all answers that are there are stamped.

    If each went on at once, its next request would stand before the stamp of another's answer.
    """

    __slots__ = ("_epoll", "_is_reading", "_readers", "_ready")

    def __init__(self) -> None:
        self._ready: list[Callable[[], None]] = []
        self._readers: dict[int, Callable[[], None]] = {}
        self._epoll: select.epoll | None = None
        self._is_reading = False

    def add(self, go_on: Callable[[], None]) -> None:
        """Call this when all answers that are there have been read, or else in a moment."""
        if not self._ready and not self._is_reading:
            asyncio.get_running_loop().call_soon(self._all)
        self._ready.append(go_on)

    def watch(self, socket: int, read: Callable[[], None]) -> None:
        """Call this whenever something can be read from a socket."""
        if self._epoll is None:
            self._epoll = self._opened()
        if self._epoll is None:
            asyncio.get_running_loop().add_reader(socket, read)
            return
        self._epoll.register(socket, _READABLE)
        self._readers[socket] = read

    def forget(self, socket: int) -> None:
        """Watch a socket no longer, which may be closed already."""
        if self._readers.pop(socket, None) is None:
            asyncio.get_running_loop().remove_reader(socket)
            return
        assert self._epoll is not None
        with suppress(OSError):  # a closed socket has left it
            self._epoll.unregister(socket)
        if not self._readers:
            asyncio.get_running_loop().remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None

    def _opened(self) -> select.epoll | None:
        """Return a watched epoll; None where the system has none, or none to spare."""
        try:
            epoll = select.epoll()
        except (AttributeError, OSError):
            return None
        asyncio.get_running_loop().add_reader(epoll.fileno(), self._read)
        return epoll

    def _read(self) -> None:
        """Read all answers that are there, then let those go on who have one."""
        epoll, readers = self._epoll, self._readers
        if epoll is None:
            return
        self._is_reading = True
        try:
            for socket, _ in epoll.poll(0, _MOST_AT_ONCE):
                read = readers.get(socket)
                if read is not None:  # else it was closed because of another's answer
                    read()
        finally:
            self._is_reading = False
            self._all()

    def _all(self) -> None:
        ready = self._ready
        if ready:
            self._ready = []
            for go_on in ready:
                go_on()


_OF_LOOP: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Turns]] = WeakKeyDictionary()


def turns_here() -> Turns:
    """Return the turns of the running event loop, which all its connections share."""
    loop = asyncio.get_running_loop()
    turns = _OF_LOOP.get(loop)
    if turns is None:
        turns = _OF_LOOP[loop] = Turns()
    return turns


class TakesTurns(ABC, Generic[T]):
    """Take answers (`exchange.Taker`), and go on with each when it is its turn.

    Args:
        turns: of the worker.
    """

    __slots__ = ("_error", "_over", "_result", "_wait_for_turn")

    def __init__(self, turns: Turns) -> None:
        self._wait_for_turn = turns.add
        self._result: pq.abc.PGresult | None = None
        self._error: Exception | None = None

    def done(self) -> bool:
        """Say whether nobody waits any more."""
        return self._over.done()

    def set_result(self, result: pq.abc.PGresult) -> None:
        """Take an answer, and go on in a moment."""
        self._result = result
        self._wait_for_turn(self._go_on)

    def set_exception(self, exception: Exception) -> None:
        """Take why there is no answer, and end in a moment."""
        self._error = exception
        self._wait_for_turn(self._go_on)

    def exception(self) -> None:
        """Take no notice; nothing is logged."""

    def _expect_end(self) -> asyncio.Future[T]:
        """Return what is awaited until nothing goes on any more."""
        self._error = None  # a run may be cut off before the turn of its error
        self._over: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        return self._over

    def _go_on(self) -> None:
        if self._over.done():  # cut off meanwhile
            return
        try:
            if self._error is not None:
                self._fail(self._error)
            else:
                self._answered()
        except BaseException as error:  # noqa: BLE001 - raised where the end is awaited
            self._over.set_exception(error)

    @abstractmethod
    def _answered(self) -> None:
        """Write down what was answered, and ask for the next or end."""

    @abstractmethod
    def _fail(self, error: Exception) -> None:
        """End, because there is no answer."""
