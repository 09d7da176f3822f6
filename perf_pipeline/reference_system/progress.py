"""Track how far one partition is finished when its messages finish out of order.

Add here: bookkeeping of offsets. Keep out: the client of the broker, clocks, and any I/O.
"""

from collections import deque


class PartitionProgress:
    """Follow the messages of one partition from one assignment to its revocation.

    Args:
        topic: the topic's name.
        partition: the partition's number.
    """

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self._begun: deque[int] = deque()
        self._finished: set[int] = set()

    def begin(self, offset: int) -> None:
        """Note that work on a message begins; in the order of the partition."""
        self._begun.append(offset)

    def finish(self, offset: int) -> None:
        """Note that a message needs no more work."""
        self._finished.add(offset)

    def advance(self) -> int | None:
        """Return the offset to commit, None when it has not moved since the last call.

        It is the first offset that is not finished yet: nothing behind unfinished work counts.

        >>> progress = PartitionProgress("birthday-messages", 0)
        >>> progress.begin(7); progress.begin(8); progress.finish(8)
        >>> progress.advance()
        >>> progress.finish(7); progress.advance()
        9
        """
        position = None
        while self._begun and self._begun[0] in self._finished:
            offset = self._begun.popleft()
            self._finished.discard(offset)
            position = offset + 1
        return position
