"""Notify whoever waits for the end of an exchange: a continuation, or a coroutine.

Add here: another way to be notified. Keep out: connections (wire.py), and the next steps.
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
    """Pass the end of an exchange to the coroutine that awaits it."""

    __slots__ = ("_waiter",)

    def __init__(self, waiter: asyncio.Future[str]) -> None:
        self._waiter = waiter

    def take(self, error: str) -> None:
        """Wake the waiting coroutine, unless it was cancelled."""
        if not self._waiter.done():
            self._waiter.set_result(error)


class TakesItsTurn(AnswerTaker):
    """Take the end of an exchange, and continue when it is its turn.

    Args:
        turns: the turns of the scenario in this worker.
    """

    __slots__ = ("_error", "_turns")

    def __init__(self, turns: "AnswerTurns") -> None:
        self._turns, self._error = turns, ""

    def take(self, error: str) -> None:
        """Note the end, and continue in a moment."""
        self._error = error
        self._turns.add(self)

    @abstractmethod
    def go_on(self) -> None:
        """Continue with the answer that was taken."""


class AnswerTurns:
    """Let takers with answers continue together, after all arrived answers are timestamped.

    If each continued at once, its next request would delay the timestamp of another answer.
    """

    __slots__ = ("_call_soon", "_ready")

    def __init__(self) -> None:
        self._call_soon = asyncio.get_running_loop().call_soon
        self._ready: list[TakesItsTurn] = []

    def add(self, taker: TakesItsTurn) -> None:
        """Let this taker continue in a moment."""
        if not self._ready:
            self._call_soon(self._all)
        self._ready.append(taker)

    def _all(self) -> None:
        """Let all continue; if one fails, those after it continue a moment later."""
        ready, self._ready = self._ready, []
        turns = iter(ready)
        try:
            for taker in turns:
                taker.go_on()
        finally:
            for taker in turns:
                self.add(taker)
