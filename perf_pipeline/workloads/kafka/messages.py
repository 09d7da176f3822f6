"""Make the messages of the queue benchmarks: ids, keys and JSON values of an exact size.

It does no I/O. Add here: a field of the message. Keep out: clients, and when a message is sent.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from perf_pipeline.engine.ports import Iteration

USERS: Final = 100_000

Headers = list[tuple[str, str | bytes | None]]
_NAMESPACE: Final = UUID("5f1d8f0e-7f0b-5c43-9d3a-0f6f3a1c9a57")
_MIDDLE: Final = '", "messageType": "birthday", "scheduledSendTime": "{due}", "content": "'
_END: Final = '"}'


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """Hold one message before it is produced.

    Attributes:
        message_id: a UUID as text, which stays the same at every station.
        key: `user-N`; all messages of a user go to one partition.
        value: JSON with messageId, userId, messageType, scheduledSendTime, content.
        headers: the headers; None for none.

    A message of your own may have no key, another value, and no id.
    """

    message_id: str
    key: bytes | None
    value: bytes
    headers: Headers | None = None


@dataclass(frozen=True, slots=True)
class MessageMaker:
    """Make the messages of one worker.

    Attributes:
        run: the name of the run's benchmark.
        worker: the number of this worker.
        message_bytes: the size of a value; the content is filled up to it, or is empty.
        due: the scheduledSendTime of all messages.
    """

    run: str
    worker: int
    message_bytes: int
    due: datetime

    def messages(self, iteration: Iteration, count: int) -> Iterator[QueueMessage]:
        """Yield an iteration's messages; the same run always makes the same ids.

        Ids differ by run, scenario, worker, VU, iteration and place: an id is a UUID5 of the first
        five, and its last 32 bits are the place.
        """
        return itertools.starmap(QueueMessage, self.parts(iteration, count))

    def parts(self, iteration: Iteration, count: int) -> Iterator[tuple[str, bytes, bytes]]:
        """Yield id, key and value of the same messages, without making objects."""
        name = f"{self.run}/{iteration.scenario}/{self.worker}/{iteration.vu}/{iteration.number}"
        family = str(uuid5(_NAMESPACE, name))[:-8]
        first = iteration.random.randrange(USERS)
        middle = _MIDDLE.format(due=self.due.isoformat())
        for place in range(count):
            message_id, user = f"{family}{place:08x}", (first + place) % USERS + 1
            head = f'{{"messageId": "{message_id}", "userId": "{user}{middle}'
            room = self.message_bytes - len(head) - len(_END)
            yield message_id, b"user-%d" % user, f"{head}{'x' * room}{_END}".encode()
