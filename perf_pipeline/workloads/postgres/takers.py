"""Say who gets the answer to a request: its continuation, or the coroutine that awaits it.

Add here: nothing that knows what was asked. Keep out: connections (exchange.py).
"""

import asyncio
from abc import ABC, abstractmethod

from psycopg import pq

Answer = asyncio.Future[pq.abc.PGresult]


class Taker(ABC):
    """Take the answer to a request; a class, because compiled code calls no protocol directly."""

    __slots__ = ()

    @abstractmethod
    def done(self) -> bool:
        """Say whether nobody waits any more."""

    @abstractmethod
    def take(self, result: pq.abc.PGresult, rows: int) -> None:
        """Take what was answered, and how many rows it returned or changed."""

    @abstractmethod
    def refuse(self, exception: Exception) -> None:
        """Take why there is no answer."""


class Awaiter(Taker):
    """Give an answer to whoever awaits it."""

    __slots__ = ("_answer",)

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def done(self) -> bool:
        """Say whether nobody waits any more."""
        return self._answer.done()

    def take(self, result: pq.abc.PGresult, rows: int) -> None:  # noqa: ARG002 - asked later
        """Give him what was answered."""
        self._answer.set_result(result)

    def refuse(self, exception: Exception) -> None:
        """Raise why there is no answer where it is awaited."""
        self._answer.set_exception(exception)
        self._answer.exception()  # else the log tells of it where the load is cut off meanwhile
