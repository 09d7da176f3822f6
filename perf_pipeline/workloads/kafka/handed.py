"""The interface of what the receiving thread hands to VUs.

Add here: something that both sides must know. Keep out: messages, and work on them.
"""

from typing import Protocol


class Handed(Protocol):
    """Carry messages, or an error of the consumer, from the thread to a VU."""

    @property
    def epoch(self) -> int:
        """Return the assignment under which it came."""
        ...

    @property
    def error(self) -> str:
        """Return the class of the error; empty for messages."""
        ...

    @property
    def count(self) -> int:
        """Return how much of `most_waiting` it uses."""
        ...

    @property
    def size(self) -> int:
        """Return the bytes that it holds in memory."""
        ...
