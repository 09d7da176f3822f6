"""The order in which clients go on, when answers to several of them have come at once.

Add here: nothing. Keep out: what they go on with (straight_runs.py, statement_runs.py).
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

from psycopg import pq

T = TypeVar("T")


class Turns:
    """Let those who have their answers go on together, when all answers that are there are stamped.

    If each went on at once, its next request would stand before the stamp of another's answer.
    """

    __slots__ = ("_call_soon", "_ready")

    def __init__(self) -> None:
        self._call_soon = asyncio.get_running_loop().call_soon
        self._ready: list[Callable[[], None]] = []

    def add(self, go_on: Callable[[], None]) -> None:
        """Call this in a moment."""
        if not self._ready:
            self._call_soon(self._all)
        self._ready.append(go_on)

    def _all(self) -> None:
        ready, self._ready = self._ready, []
        for go_on in ready:
            go_on()


class TakesTurns(ABC, Generic[T]):
    """Take answers (`exchange.Taker`), and go on with each when it is its turn.

    Args:
        turns: of the scenario in this worker.
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
