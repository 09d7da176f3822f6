"""Hold what the receiving thread hands to the VUs that work.

Add here: what both sides must know of it. Keep out: messages, and how they are worked on.
"""

from typing import Protocol


class Handed(Protocol):
    """Carry messages, or an error of the consumer, from the thread to a VU."""

    @property
    def epoch(self) -> int:
        """Return the assignment that it came under."""
        ...

    @property
    def error(self) -> str:
        """Return the class of the error, empty for messages."""
        ...

    @property
    def count(self) -> int:
        """Return how much of `most_waiting` it takes up."""
        ...

    @property
    def size(self) -> int:
        """Return the bytes that it holds in memory."""
        ...
