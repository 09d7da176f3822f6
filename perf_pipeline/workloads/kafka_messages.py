"""The messages that the queue benchmarks produce: ids, keys and JSON values of an exact size.

Pure. Add here: a field of the message. Keep out: clients, and when a message is sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from perf_pipeline.engine.ports import Iteration

USERS: Final = 100_000

_NAMESPACE: Final = UUID("5f1d8f0e-7f0b-5c43-9d3a-0f6f3a1c9a57")
_VALUE: Final = (
    '{{"messageId": "{id}", "userId": "{user}", "messageType": "birthday", '
    '"scheduledSendTime": "{due}", "content": "'
)
_END: Final = '"}'


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """Hold one message before it is produced.

    Attributes:
        message_id: a UUID as text, the same at every station.
        key: `user-N`; all messages of a user go to one partition.
        value: JSON with messageId, userId, messageType, scheduledSendTime, content.
    """

    message_id: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class MessageMaker:
    """Make the messages of one worker.

    Attributes:
        run: names the benchmark of the run.
        worker: number of this worker.
        message_bytes: size of a value; the content is filled up to it, or empty.
        due: scheduledSendTime of all messages.
    """

    run: str
    worker: int
    message_bytes: int
    due: datetime

    def messages(self, iteration: Iteration, count: int) -> Iterator[QueueMessage]:
        """Yield an iteration's messages: the same ids whenever the same run does it again.

        Ids differ by run, scenario, worker, VU, iteration and place: a UUID5 of the first five
        whose last 32 bits are the place.
        """
        name = f"{self.run}/{iteration.scenario}/{self.worker}/{iteration.vu}/{iteration.number}"
        family = str(uuid5(_NAMESPACE, name))[:-8]
        first = iteration.random.randrange(USERS)
        for place in range(count):
            yield self._message(f"{family}{place:08x}", (first + place) % USERS + 1)

    def _message(self, message_id: str, user: int) -> QueueMessage:
        head = _VALUE.format(id=message_id, user=user, due=self.due.isoformat())
        room = self.message_bytes - len(head) - len(_END)
        return QueueMessage(
            message_id, b"user-%d" % user, f"{head}{'x' * max(0, room)}{_END}".encode()
        )
