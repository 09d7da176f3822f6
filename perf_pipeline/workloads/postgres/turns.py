"""Order how clients continue when answers to several of them have come at once.

Add here: nothing. Keep out: what they go on with (straight_runs.py, statement_runs.py).
"""

import asyncio
from abc import abstractmethod
from typing import Any, Generic, TypeVar

from psycopg import pq

from perf_pipeline.workloads.postgres.takers import Taker

T = TypeVar("T")


class Turns:
    """Let those who have their answers go on together, when all answers that are there are stamped.

    If each went on at once, its next request would stand before the stamp of another's answer.
    """

    __slots__ = ("_call_soon", "_ready")

    def __init__(self) -> None:
        self._call_soon = asyncio.get_running_loop().call_soon
        self._ready: list[TakesTurns[Any]] = []

    def add(self, taker: "TakesTurns[Any]") -> None:
        """Let this one go on in a moment."""
        if not self._ready:
            self._call_soon(self._all)
        self._ready.append(taker)

    def _all(self) -> None:
        ready, self._ready = self._ready, []
        for taker in ready:
            taker.go_on()


class TakesTurns(Taker, Generic[T]):
    """Take answers, and go on with each when it is its turn.

    Args:
        turns: the turns of the scenario in this worker.
    """

    __slots__ = ("_error", "_over", "_result", "_rows", "_turns")

    def __init__(self, turns: Turns) -> None:
        self._turns, self._rows = turns, 0
        self._result: pq.abc.PGresult | None = None
        self._error: Exception | None = None

    def done(self) -> bool:
        """Say whether nobody waits any more."""
        return self._over.done()

    def take(self, result: pq.abc.PGresult, rows: int) -> None:
        """Take an answer, and go on in a moment."""
        self._result, self._rows = result, rows
        self._turns.add(self)

    def refuse(self, exception: Exception) -> None:
        """Take why there is no answer, and end in a moment."""
        self._error = exception
        self._turns.add(self)

    def _expect_end(self) -> asyncio.Future[T]:
        """Return what is awaited until nothing goes on any more."""
        self._error = None  # a run may be cut off before the turn of its error
        self._over: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        return self._over

    def go_on(self) -> None:
        """Go on with what was taken; what that raises is raised where the end is awaited."""
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
