"""Time how long a group member had no partitions, from the revocation to the assignment.

It does no I/O, and both the thread that observes rebalances and the loop that records them may use
it.
Add here: another figure about rebalances. Keep out: clients.
"""

from collections import deque


class Rebalances:
    """Remember the rebalances that have not been recorded yet.

    >>> found = Rebalances()
    >>> found.ended(5); found.began(10); found.ended(30); found.taken()
    [(10, 30)]
    """

    def __init__(self) -> None:
        self._began_us: int | None = None
        self._fresh: deque[tuple[int, int]] = deque()

    def began(self, at_us: int) -> None:
        """Note that partitions were revoked, once or several times before the next assignment."""
        if self._began_us is None:
            self._began_us = at_us

    def ended(self, at_us: int) -> None:
        """Note that partitions, perhaps none, were assigned; the first assignment ends nothing."""
        if self._began_us is not None:
            self._fresh.append((self._began_us, at_us))
            self._began_us = None

    def taken(self) -> list[tuple[int, int]]:
        """Return begin and end of each rebalance that is over, each only once."""
        return [self._fresh.popleft() for _ in range(len(self._fresh))]
