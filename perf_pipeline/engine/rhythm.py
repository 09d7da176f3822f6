"""Tell when something periodic is due, for a driver that checks from time to time.

Add here: another kind of rhythm. Keep out: clocks, because the time is passed in.
"""


class Rhythm:
    """Be due at every multiple of a period; a late check does not shift later ones.

    Source: k6 ticks every 1 s and 2 s with Go's time.Ticker, which drops ticks that a slow receiver
        missed.

    Args:
        every_s: the period.

    >>> rhythm = Rhythm(2.0)
    >>> [s for s in (1.9, 2.4, 3.9, 4.1, 9.0, 9.9, 10.0) if rhythm.is_due(s)]
    [2.4, 4.1, 9.0, 10.0]
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._next_s = every_s

    def is_due(self, elapsed_s: float) -> bool:
        """Say whether a multiple was reached since the last call; several count as one."""
        if elapsed_s < self._next_s:
            return False
        self._next_s = (elapsed_s // self._every_s + 1) * self._every_s
        return True
