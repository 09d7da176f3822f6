"""Count the operations of a scenario that a worker has recorded, and how they failed.

Add here: a count that the progress line needs. Keep out: samples (recorder.py).
"""

from collections import Counter, deque
from typing import Final

# The error class of operations for which this machine had no port or descriptor.
OWN_LIMIT: Final = "generator"
# The error class of answers with an unexpected status.
UNEXPECTED_STATUS: Final = "status"
_MOST_WAYS: Final = 100
# This is more than a worker can record in the second between two reports.
_MOST_DURATIONS: Final = 50_000
_OTHER_WAYS: Final = "other errors"


class OperationCount:
    """Count a scenario's operations for the progress line, except interrupted ones.

    `own_limits` counts failed operations that this machine caused. `ways` counts failures by the
    class of the error, or by an unexpected status.
    """

    __slots__ = ("_taken", "durations_us", "failed", "ok", "own_limits", "ways")

    def __init__(self) -> None:
        self.ok = 0
        self.failed = 0
        self.own_limits = 0
        self.ways: Counter[str] = Counter()
        self.durations_us: deque[int] = deque(maxlen=_MOST_DURATIONS)
        self._taken = 0

    def take_durations_us(self) -> tuple[int, list[int]]:
        """Return how many operations ended since the last call, and the newest durations."""
        newest = list(self.durations_us)
        self.durations_us.clear()
        before, self._taken = self._taken, self.ok + self.failed
        return self._taken - before, newest

    def fail(self, status: int, error: str) -> None:
        """Count an operation that failed, and how."""
        self.failed += 1
        way = f"status {status}" if error == UNEXPECTED_STATUS else error
        if way not in self.ways and len(self.ways) >= _MOST_WAYS:
            way = _OTHER_WAYS  # a target may invent error classes without end
        self.ways[way] += 1
        if error == OWN_LIMIT:
            self.own_limits += 1
