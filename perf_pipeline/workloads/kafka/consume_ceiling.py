"""The ceiling of consuming: a backlog, batch by batch, as fast as the client fetches it.

Parameters (JSON): `brokers`, `topic`, `group`, `commit_interval_us`; `session_timeout_ms`,
`heartbeat_ms`. Messages and their bytes are counted, and each offset is compared with the previous
one; values are not parsed. Kafka's own performance tool does the same except for the offsets.
Add here: something that changes the ceiling (mention it in the profile). Keep out: work on
messages.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from types import MappingProxyType
from typing import Final

from confluent_kafka import KafkaError, Message

from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.units import US_PER_MS
from perf_pipeline.workloads.kafka.brokers import brokers_of
from perf_pipeline.workloads.kafka.consuming import Consuming
from perf_pipeline.workloads.kafka.errors import error_class
from perf_pipeline.workloads.kafka.holes import GAP, Hole, losses_in
from perf_pipeline.workloads.kafka.reception import Reception
from perf_pipeline.workloads.kafka.rewinding import is_failure

MOST_HOLES: Final = 20

_FINISH_US: Final = 100 * US_PER_MS


@dataclass(frozen=True, slots=True)
class ReceivedBatch:
    """Hold the counts of messages that were received together, or an error of the consumer.

    Attributes:
        messages: the number of messages.
        bytes_in: the bytes of their values.
        out_of_order: the number of messages whose offset was not after the partition's last one.
        positions: for each partition, the offset after the last one in this batch.
        began_us: when the first message was received.
        ended_us: when all messages were counted.
        epoch: the assignment under which they came.
        error: the class of the error; empty for messages.
        holes: the widest gaps in the offsets.
    """

    messages: int
    bytes_in: int
    out_of_order: int
    positions: Mapping[int, int]
    began_us: int
    ended_us: int
    epoch: int
    error: str = ""
    holes: Sequence[Hole] = ()

    @property
    def count(self) -> int:
        """Return the number of messages; an error, or the end of a partition, counts as one."""
        return max(1, self.messages)

    @property
    def size(self) -> int:
        """Return 0, because messages are counted and not kept."""
        return 0


class BatchReception(Reception[ReceivedBatch]):
    """Hand over batches; a batch's offsets are committed once it is recorded."""

    most_waiting = 16_000

    # Only the thread uses both: offsets continue where they were, but not in another assignment.
    _positions: Mapping[int, int] = MappingProxyType({})
    _positions_epoch = 0

    def accept(self, messages: Sequence[Message], at_us: int) -> list[ReceivedBatch]:
        """Count the messages; an error among them is handed over separately."""
        before = self._positions if self._positions_epoch == self.epoch else {}
        positions, failures, holes = dict(before), list[ReceivedBatch](), list[Hole]()
        count = size = out_of_order = 0
        for message in messages:
            error, partition, offset = message.error(), message.partition(), message.offset()
            if error is not None and is_failure(message):
                failures.append(self.failure(error))
                continue
            assert partition is not None, "a message, and the end of a partition, has its place"
            assert offset is not None, "a message, and the end of a partition, has its place"
            if partition not in positions:
                self.progress.begun(partition, offset)
            expected = positions.get(partition, offset)
            if expected < offset:
                holes.append(Hole(partition, expected, offset))
            if error is not None:
                positions[partition] = offset
                continue
            if offset < expected:
                out_of_order += 1
            positions[partition] = offset + 1
            count += 1
            size += len(message)
        self._positions, self._positions_epoch = positions, self.epoch
        moved = {position: at for position, at in positions.items() if before.get(position) != at}
        now_us, widest = self.clock.now_us(), _widest(holes)
        batch = ReceivedBatch(
            count, size, out_of_order, moved, at_us, now_us, self.epoch, holes=widest
        )
        return [*failures, *([batch] if moved else [])]

    def failure(self, error: KafkaError) -> ReceivedBatch:
        """Return an error as if it were a batch."""
        now_us = self.clock.now_us()
        return ReceivedBatch(0, 0, 0, {}, now_us, now_us, self.epoch, error_class(error))

    def finished(self, batch: ReceivedBatch) -> None:
        """Note that a taken batch is recorded, so that its offsets may be committed."""
        for partition, position in batch.positions.items():
            self.progress.reached_end(partition, position)
        self.settled()


class ConsumeCeiling(Consuming[ReceivedBatch]):
    """Take a batch per iteration; waiting for a batch is idle time and not a sample.

    A sample lasts from the arrival of a batch's first message until the last one is counted; its
    records are the messages. A batch with repeated offsets fails as `gap`. If offsets are missing,
    a second reader checks after the load whether there was a message; if so, one more operation of
    that batch fails as `gap`.
    """

    operation = "consume_batch"

    def __init__(self) -> None:
        super().__init__()
        self._holes: dict[Hole, tuple[Iteration, ReceivedBatch]] = {}

    def _member(self, context: WorkerContext) -> BatchReception:
        return BatchReception(context, finish_us=_FINISH_US)

    async def iterate(self, iteration: Iteration) -> None:
        """Take one batch and record it."""
        batch = await self.received(iteration)
        error = batch.error or (GAP if batch.out_of_order else "")
        if batch.messages or error:
            self._record(iteration, batch, error, batch.messages)
        if batch.holes:
            self._note_holes(iteration, batch)
        self.reception.finished(batch)

    async def _look_back(self) -> None:
        """Check after the load whether messages were in the holes."""
        if self._holes:
            for iteration, batch, error in await asyncio.to_thread(self._losses):
                self._record(iteration, batch, error, 0)

    def _losses(self) -> list[tuple[Iteration, ReceivedBatch, str]]:
        context = self.opened
        topic, group = str(context.parameters["topic"]), str(context.parameters["group"])
        losses = losses_in(self._holes, brokers_of(context), topic, group)
        return [(*self._holes[hole], error) for hole, error in losses]

    def _record(
        self, iteration: Iteration, batch: ReceivedBatch, error: str, messages: int
    ) -> None:
        self.opened.recorder.sample(
            iteration,
            self.operation,
            batch.began_us,
            batch.ended_us,
            Outcome.FAILED if error else Outcome.OK,
            intended_us=batch.began_us,
            error=error,
            bytes_in=batch.bytes_in if messages else 0,
            records=messages,
        )

    def _note_holes(self, iteration: Iteration, batch: ReceivedBatch) -> None:
        topic = self.opened.parameters["topic"]
        self.opened.recorder.note(
            f"the offsets of {topic} have holes, as transactions and compaction leave them; the "
            f"{MOST_HOLES} widest are looked into after the load, and a message in one is a failure"
        )
        self._holes.update(dict.fromkeys(batch.holes, (iteration, batch)))
        self._holes = {hole: self._holes[hole] for hole in _widest(self._holes)}


def _widest(holes: Iterable[Hole]) -> list[Hole]:
    """Return the widest holes: a transaction's end is one offset, and a loss is mostly wider."""
    return nlargest(MOST_HOLES, holes, key=lambda hole: hole.width)
