"""Work out which offsets of a group may be committed: never one after unfinished work.

It does no I/O, and both the receiving thread and the working loop may use it. Add here: a rule of
what counts as finished. Keep out: clients.
"""

import threading
from collections import deque
from collections.abc import Iterable, Mapping


class OffsetProgress:
    """Track received and finished messages of each partition.

    The position of a partition is the offset before which everything is finished.

    >>> progress = OffsetProgress()
    >>> for offset in (7, 8, 9): progress.received(0, offset)
    >>> progress.finished(0, 8); progress.due()
    {}
    >>> progress.finished(0, 7); progress.due()
    {0: 9}
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._order: dict[int, deque[int]] = {}
        self._unfinished: dict[int, set[int]] = {}
        self._position: dict[int, int] = {}
        self._end: dict[int, int] = {}
        self._committed: dict[int, int] = {}

    def begun(self, partition: int, offset: int) -> None:
        """Note the offset where a partition continues, unless it is known already.

        >>> progress = OffsetProgress()
        >>> progress.begun(1, 3); progress.rewound()
        {1: 3}
        """
        with self._lock:
            self._position.setdefault(partition, offset)

    def received(self, partition: int, offset: int) -> None:
        """Note a message; offsets of a partition come in ascending order."""
        with self._lock:
            if partition not in self._order:
                self._order[partition] = deque()
                self._unfinished[partition] = set()
            # The group's present offset needs no commit.
            self._committed.setdefault(partition, offset)
            self._position.setdefault(partition, offset)
            self._order[partition].append(offset)
            self._unfinished[partition].add(offset)

    def finished(self, partition: int, offset: int) -> None:
        """Note that the work on a message is done; messages of lost partitions are ignored."""
        with self._lock:
            unfinished = self._unfinished.get(partition, set())
            if offset not in unfinished:
                return
            unfinished.discard(offset)
            order = self._order[partition]
            while order and order[0] not in unfinished:
                self._position[partition] = order.popleft() + 1
            self._skip_to_end(partition)

    def reached_end(self, partition: int, offset: int) -> None:
        """Note that all messages before `offset` were received.

        Otherwise offsets without messages (markers of transactions) would count as lag forever.
        Partitions that were lost, or have not begun, are ignored.

        >>> progress = OffsetProgress()
        >>> progress.begun(1, 3); progress.reached_end(1, 6); progress.due()
        {1: 6}
        >>> progress.forget([1]); progress.reached_end(1, 9); progress.due()
        {}
        """
        with self._lock:
            if partition in self._position:
                self._end[partition] = offset
                self._skip_to_end(partition)

    def due(self) -> dict[int, int]:
        """Return the position of each partition that is beyond its committed offset."""
        with self._lock:
            return {
                partition: position
                for partition, position in self._position.items()
                if position > self._committed.get(partition, -1)
            }

    def committed(self, offsets: Mapping[int, int]) -> None:
        """Note offsets that the broker has confirmed."""
        with self._lock:
            for partition, offset in offsets.items():
                if partition in self._position:
                    self._committed[partition] = max(offset, self._committed.get(partition, -1))

    def forget(self, partitions: Iterable[int]) -> None:
        """Forget partitions that now belong to another member."""
        with self._lock:
            for partition in partitions:
                for known in (self._position, self._end, self._committed):
                    known.pop(partition, None)
                self._order.pop(partition, None)
                self._unfinished.pop(partition, None)

    def rewound(self) -> dict[int, int]:
        """Forget received messages that are not finished; return where each partition continues.

        >>> progress = OffsetProgress()
        >>> for offset in (7, 8, 9): progress.received(0, offset)
        >>> progress.finished(0, 7); progress.rewound()
        {0: 8}
        """
        with self._lock:
            for partition in self._order:
                self._order[partition].clear()
                self._unfinished[partition].clear()
            self._end.clear()  # messages before it will come again
            return dict(self._position)

    def _skip_to_end(self, partition: int) -> None:
        if not self._order.get(partition):
            position = self._position[partition]
            self._position[partition] = max(position, self._end.get(partition, position))
