"""The order in which clients go on, when answers to several of them have come at once.

Add here: nothing. Keep out: what they go on with (straight_runs.py, statement_runs.py).
"""

import asyncio
from collections.abc import Callable


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
