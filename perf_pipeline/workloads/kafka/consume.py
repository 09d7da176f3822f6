"""Consuming from the queue: a VU takes a message, works on it for a while, and finishes it.

Parameters (JSON): `brokers`, `topic`, `group`, `work_us` (least and most simulated work,
uniform), `commit_interval_us`; `session_timeout_ms`, `heartbeat_ms`. Concurrency is the number
of VUs. A sample's intended start is when the message was received, its start when a VU took it,
so busy time divided by VUs x time is the consumer's utilisation.
Add here: another kind of work. Keep out: group protocol and commits (reception.py).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError, Message

from perf_pipeline.config.defaults import WORK_US
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.message_ids import LONGEST_ID, text_of_id
from perf_pipeline.metrics.sample import LedgerEntry, LedgerEvent, Outcome
from perf_pipeline.units import US_PER_MS
from perf_pipeline.workloads.kafka.consuming import Consuming
from perf_pipeline.workloads.kafka.errors import error_class
from perf_pipeline.workloads.kafka.reception import Reception
from perf_pipeline.workloads.kafka.rewinding import is_failure

UNREADABLE: Final = "unreadable"

_FINISH_MARGIN_US: Final = 100 * US_PER_MS


@dataclass(frozen=True, slots=True)
class Received:
    """Hold one message, or an error of the consumer, on its way to a VU.

    Attributes:
        partition: the partition; -1 for an error.
        offset: the offset of the message.
        value: the value; None for an error or a tombstone.
        at_us: when the message was received.
        epoch: the assignment under which it came.
        error: the class of the error; empty for a message.
        message_id: the id; empty for a message without one.
        fault: why the message has no id although it should.
    """

    partition: int
    offset: int
    value: bytes | None
    at_us: int
    epoch: int
    error: str = ""
    message_id: str = ""
    fault: str = ""

    @property
    def count(self) -> int:
        """Return 1, for one message."""
        return 1

    @property
    def size(self) -> int:
        """Return the size of its value in bytes."""
        return len(self.value or b"")


ReadId = Callable[[Message], tuple[str, str]]
"""Reads the id of a message, or else says why it has none that can be written down."""


class MessageReception(Reception[Received]):
    """Hand over single messages; offsets are committed up to the first unfinished message.

    Args:
        context: the context of the worker.
        finish_us: how long a revoked partition waits for work in progress.
        read_id: reads the id of each message.
    """

    most_waiting = 1_000

    def __init__(self, context: WorkerContext, *, finish_us: int, read_id: ReadId) -> None:
        super().__init__(context, finish_us=finish_us)
        self._read_id = read_id

    def accept(self, messages: Sequence[Message], at_us: int) -> list[Received]:
        """Return the messages and errors; the end of a partition only moves the position."""
        del at_us
        now_us = self.clock.now_us()
        found = (self._one(message, now_us) for message in messages)
        return [received for received in found if received is not None]

    def failure(self, error: KafkaError) -> Received:
        """Return an error as if it were a message."""
        return Received(-1, -1, None, self.clock.now_us(), self.epoch, error_class(error))

    def finished(self, received: Received) -> None:
        """Note that the work on a taken message is done, so that its offset may be committed."""
        self.progress.finished(received.partition, received.offset)
        self.settled()

    def _one(self, message: Message, at_us: int) -> Received | None:
        error, partition, offset = message.error(), message.partition(), message.offset()
        if error is not None and is_failure(message):
            return self.failure(error)
        assert partition is not None, "a message, and the end of a partition, has its place"
        assert offset is not None, "a message, and the end of a partition, has its place"
        if error is None:
            self.progress.received(partition, offset)
            identity = self._read_id(message)
            return Received(partition, offset, message.value(), at_us, self.epoch, "", *identity)
        self.progress.begun(partition, offset)
        self.progress.reached_end(partition, offset)
        return None


class ConsumeMessages(Consuming[Received]):
    """Work on one message per iteration; waiting for a message is idle time and not a sample."""

    operation = "consume"

    def __init__(self) -> None:
        super().__init__()
        self._work_us = WORK_US
        self.read_id: ReadId = lambda message: message_id_of(message.value())

    def _member(self, context: WorkerContext) -> MessageReception:
        low_us, high_us = context.parameters.get("work_us", WORK_US)
        self._work_us = (int(low_us), int(high_us))
        finish_us = self._work_us[1] + _FINISH_MARGIN_US
        return MessageReception(context, finish_us=finish_us, read_id=self.read_id)

    async def iterate(self, iteration: Iteration) -> None:
        """Take one message, work, and record it as completed."""
        context, reception = self.opened, self.reception
        received = await self.received(iteration)
        started_us = context.clock.now_us()
        if received.error:
            reception.settled()
            self._record(iteration, received, started_us, Outcome.FAILED, received.error)
            return
        try:
            work_us = iteration.random.randint(*self._work_us)
            await context.clock.sleep_until_us(started_us + work_us)
        except BaseException:
            reception.settled()  # the message will come again
            self._record(iteration, received, started_us, Outcome.INTERRUPTED)
            self.cut_off(iteration, started_us)
            raise
        # Record the message before its offset may be committed, so that none is committed but
        # unrecorded.
        if received.fault:
            sentence = f"{self.operation} got a message that it can't read: {received.fault}"
            context.recorder.note(sentence)
            self._record(iteration, received, started_us, Outcome.FAILED, UNREADABLE)
        else:
            ended_us = self._record(iteration, received, started_us, Outcome.OK)
            if received.message_id:
                entry = LedgerEntry(received.message_id, LedgerEvent.COMPLETED, ended_us)
                context.recorder.ledger(entry)
        reception.finished(received)

    def _record(
        self,
        iteration: Iteration,
        received: Received,
        started_us: int,
        outcome: Outcome,
        error: str = "",
    ) -> int:
        ended_us = self.opened.clock.now_us()
        self.opened.recorder.sample(
            iteration,
            self.operation,
            started_us,
            ended_us,
            outcome,
            intended_us=received.at_us,
            error=error,
            bytes_in=len(received.value or b""),
            records=1 if outcome is Outcome.OK else 0,
        )
        return ended_us


def message_id_of(value: bytes | None) -> tuple[str, str]:
    """Return the id of a message, or why it has none that can be recorded.

    >>> message_id_of(b'{"messageId": "a1"}'), message_id_of(None)
    (('a1', ''), ('', 'it has no value'))
    """
    if value is None:
        return "", "it has no value"
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):  # not UTF-8, a number of 5,000 digits, 100,000 brackets
        return "", "its value is not JSON"
    found = document.get("messageId") if isinstance(document, dict) else None
    if not isinstance(found, str):
        return "", "its value is not a JSON object with a text messageId"
    if not text_of_id(found):
        return "", f"its messageId is empty, longer than {LONGEST_ID} letters, or not printable"
    return found, ""
