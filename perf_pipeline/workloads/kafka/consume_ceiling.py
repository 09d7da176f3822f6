"""The ceiling of the consuming side: a backlog, batch by batch, as fast as the client fetches it.

Parameters (JSON): `brokers`, `topic`, `group`, `commit_interval_us`; `session_timeout_ms`,
`heartbeat_ms`. A message is counted, its bytes too, and its offset compared with the one before; it
is not read. That is what Kafka's own performance tool does, and more.
Add here: what changes the ceiling (and say it in the profile). Keep out: work on messages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from confluent_kafka import KafkaError, Message

from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.units import US_PER_MS
from perf_pipeline.workloads.kafka.consuming import Consuming
from perf_pipeline.workloads.kafka.errors import error_class
from perf_pipeline.workloads.kafka.reception import END, Reception

GAP: Final = "gap"

_FINISH_US: Final = 100 * US_PER_MS


@dataclass(frozen=True, slots=True)
class ReceivedBatch:
    """Hold the count of the messages that were received together, or an error of the consumer.

    Attributes:
        messages: how many.
        bytes_in: of their values.
        out_of_order: messages whose offset was not the one after their partition's last.
        positions: of each partition, the offset after its last one here.
        began_us: when the first one was received.
        ended_us: when all were counted.
        epoch: of the assignment that they came under.
        error: class of the error, empty for messages.
    """

    messages: int
    bytes_in: int
    out_of_order: int
    positions: Mapping[int, int]
    began_us: int
    ended_us: int
    epoch: int
    error: str = ""

    @property
    def count(self) -> int:
        """Give the messages; an error, or the end of a partition, takes the room of one."""
        return max(1, self.messages)


class BatchReception(Reception[ReceivedBatch]):
    """Hand over batches; a batch's offsets are committed once it is written down."""

    most_waiting = 16_000

    # Both belong to the thread: offsets go on where they were, but not in another assignment.
    _positions: Mapping[int, int] = MappingProxyType({})
    _positions_epoch = 0

    def accept(self, messages: Sequence[Message], at_us: int) -> list[ReceivedBatch]:
        """Count the messages; an error among them is handed over by itself."""
        before = self._positions if self._positions_epoch == self.epoch else {}
        positions, failures = dict(before), list[ReceivedBatch]()
        count = size = out_of_order = 0
        for message in messages:
            error, partition, offset = message.error(), message.partition(), message.offset()
            if error is not None and error.code() != END:
                failures.append(self.failure(error))
                continue
            assert partition is not None, "a message, and the end of a partition, has its place"
            assert offset is not None, "a message, and the end of a partition, has its place"
            if error is not None:
                positions[partition] = offset
                continue
            if positions.get(partition, offset) != offset:
                out_of_order += 1
            positions[partition] = offset + 1
            count += 1
            size += len(message)
        self._positions, self._positions_epoch = positions, self.epoch
        moved = {one: at for one, at in positions.items() if before.get(one) != at}
        now_us = self.clock.now_us()
        batch = ReceivedBatch(count, size, out_of_order, moved, at_us, now_us, self.epoch)
        return [*failures, *([batch] if moved else [])]

    def failure(self, error: KafkaError) -> ReceivedBatch:
        """Give an error as if it were a batch."""
        now_us = self.clock.now_us()
        return ReceivedBatch(0, 0, 0, {}, now_us, now_us, self.epoch, error_class(error))

    def finished(self, batch: ReceivedBatch) -> None:
        """Say that a taken batch is written down: its offsets may be committed."""
        for partition, position in batch.positions.items():
            self.progress.reached_end(partition, position)
        self.settled()


class ConsumeCeiling(Consuming[BatchReception]):
    """Take a batch per iteration; waiting for one is idle time and no sample.

    A sample lasts from the first message's arrival until the last one of the batch is counted, and
    its records are the messages. One whose offsets have a gap, or come twice, is failed: `gap`. So
    the topic must be one that no transaction writes to: their ends take offsets.
    """

    operation = "consume_batch"

    def _member(self, context: WorkerContext) -> BatchReception:
        return BatchReception(context, finish_us=_FINISH_US)

    async def iterate(self, iteration: Iteration) -> None:
        """Take one batch and record it."""
        batch = await self.reception.take()
        outcome, error = Outcome.OK, batch.error
        if error or batch.out_of_order:
            outcome, error = Outcome.FAILED, error or GAP
        if batch.messages or error:
            self.opened.recorder.sample(
                iteration,
                self.operation,
                batch.began_us,
                batch.ended_us,
                outcome,
                intended_us=batch.began_us,
                error=error,
                bytes_in=batch.bytes_in,
                records=batch.messages,
            )
        self.reception.finished(batch)
