"""Say what to call when an exchange is over: its continuation, or the coroutine that awaits it.

Add here: another way to be notified. Keep out: connections (wire.py), and what happens next.
"""

import asyncio
from abc import ABC, abstractmethod


class AnswerTaker(ABC):
    """Take the end of an exchange; a class, because compiled code calls no protocol directly."""

    __slots__ = ()

    @abstractmethod
    def take(self, error: str) -> None:
        """Take the end of an exchange: an empty text or a `HttpError`; the wire has the rest."""


class AwaitedAnswer(AnswerTaker):
    """Give the end of an exchange to whoever awaits it."""

    __slots__ = ("_waiter",)

    def __init__(self, waiter: asyncio.Future[str]) -> None:
        self._waiter = waiter

    def take(self, error: str) -> None:
        """Wake who awaits it, unless he was cancelled."""
        if not self._waiter.done():
            self._waiter.set_result(error)


class TakesItsTurn(AnswerTaker):
    """Take the end of an exchange, and go on with it when it is its turn.

    Args:
        turns: the turns of the scenario in this worker.
    """

    __slots__ = ("_error", "_turns")

    def __init__(self, turns: "AnswerTurns") -> None:
        self._turns, self._error = turns, ""

    def take(self, error: str) -> None:
        """Note the end, and go on in a moment."""
        self._error = error
        self._turns.add(self)

    @abstractmethod
    def go_on(self) -> None:
        """Go on with the answer that was taken."""


class AnswerTurns:
    """Let those who have their answers go on together, when all answers that are there are stamped.

    If each went on at once, its next request would stand before the stamp of another's answer.
    """

    __slots__ = ("_call_soon", "_ready")

    def __init__(self) -> None:
        self._call_soon = asyncio.get_running_loop().call_soon
        self._ready: list[TakesItsTurn] = []

    def add(self, taker: TakesItsTurn) -> None:
        """Let this one go on in a moment."""
        if not self._ready:
            self._call_soon(self._all)
        self._ready.append(taker)

    def _all(self) -> None:
        """Let all go on; where one fails, those behind it do in another moment."""
        ready, self._ready = self._ready, []
        turns = iter(ready)
        try:
            for taker in turns:
                taker.go_on()
        finally:
            for taker in turns:
                self.add(taker)
