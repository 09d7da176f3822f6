"""Count how late starts were, in bounded memory.

Add here: another statistic of the lags. Keep out: limits (health.py).
"""

from typing import Final

LATE_US: Final = 20_000  # a delay of this length comes from the machine, not from the timer
BIN_US: Final = 100
_BINS: Final = 5_000  # up to 500 ms in steps of 0.1 ms; later starts share the last bin


class LagHistogram:
    """Count schedule lags in bins of 0.1 ms."""

    __slots__ = ("_bins", "_recent_us", "count", "most_us")

    def __init__(self) -> None:
        self._bins = [0] * (_BINS + 1)
        self.count = 0
        self.most_us = 0
        self._recent_us = 0

    def add(self, lag_us: int) -> None:
        """Count a start that was `lag_us` late."""
        self.count += 1
        self.most_us = max(self.most_us, lag_us)
        self._recent_us = max(self._recent_us, lag_us)
        self._bins[min(lag_us // BIN_US, _BINS)] += 1

    def take_recent_us(self) -> int:
        """Return the largest lag since the last call; 0 if there was no start."""
        taken, self._recent_us = self._recent_us, 0
        return taken

    def plus(self, other: "LagHistogram") -> "LagHistogram":
        """Return the sum of two histograms."""
        both = LagHistogram()
        both.count = self.count + other.count
        both.most_us = max(self.most_us, other.most_us)
        both._bins = [mine + theirs for mine, theirs in zip(self._bins, other._bins, strict=True)]  # noqa: SLF001 - the same class
        return both

    def later_than(self, lag_us: int) -> int:
        """Count the starts that were at least `lag_us` late, with a precision of 0.1 ms."""
        return sum(self._bins[min(lag_us // BIN_US, _BINS) :])

    def quantile_us(self, share: float) -> int:
        """Return the lag that `share` of the starts stayed within, rounded up to 0.1 ms; 0 if none.

        >>> lags = LagHistogram()
        >>> for lag_us in (10, 20, 30, 900): lags.add(lag_us)
        >>> lags.quantile_us(0.5), lags.quantile_us(1.0)
        (100, 900)
        """
        seen = 0
        for number, count in enumerate(self._bins):
            seen += count
            if count and seen >= share * self.count:
                return min(self.most_us, (number + 1) * BIN_US) if number < _BINS else self.most_us
        return 0
