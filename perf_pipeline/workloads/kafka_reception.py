"""Receiving: a thread polls the consumer, stamps messages and hands them to the event loop.

Also keeps the group's membership and commits finished work. Add here: what the group protocol
asks of a member. Keep out: the work on a message.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from perf_pipeline.engine.ports import Clock
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.units import US_PER_S
from perf_pipeline.workloads.kafka_errors import cause, error_class, unavailable
from perf_pipeline.workloads.kafka_offsets import OffsetProgress

QUEUE_MESSAGES: Final = 1_000
JOIN_S: Final = 45.0

_METADATA_S: Final = 10.0
_POLL_S: Final = 0.1
_PAUSE_S: Final = 0.001
_RETRY_S: Final = 1.0
_END: Final = KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's own codes have this name in the public API
CONSUMER: Final[Mapping[str, str | int | bool]] = MappingProxyType(
    {
        "session.timeout.ms": 30_000,
        "heartbeat.interval.ms": 3_000,
        # Only for a group without a position; the benchmarks fix it before producing starts.
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        "log_level": 0,
    }
)


@dataclass(frozen=True, slots=True)
class Received:
    """Hold one message, or an error of the consumer, on its way to a VU.

    Attributes:
        partition: -1 for an error.
        offset: of the message.
        value: None for an error or a tombstone.
        at_us: when it was received.
        epoch: of the assignment that it came under.
        error: class of the error, empty for a message.
    """

    partition: int
    offset: int
    value: bytes | None
    at_us: int
    epoch: int
    error: str = ""


class Reception:
    """Be one member of a consumer group.

    Args:
        settings: librdkafka's, over `CONSUMER`; bootstrap.servers and group.id at least.
        topic: to subscribe to.
        clock: stamps messages.
        commit_interval_us: least time between two commits.
        finish_us: how long a revoked partition waits for work under way.
    """

    def __init__(
        self,
        settings: Mapping[str, str | int | bool],
        topic: str,
        clock: Clock,
        *,
        commit_interval_us: int,
        finish_us: int,
    ) -> None:
        self._brokers = str(settings["bootstrap.servers"])
        self._topic = topic
        self._clock = clock
        self._commit_interval_s = commit_interval_us / US_PER_S
        self._finish_s = finish_us / US_PER_S
        self._consumer = Consumer({**CONSUMER, **settings, "on_commit": self._on_commit})
        self._progress = OffsetProgress()
        self._queue: asyncio.Queue[Received] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._has_joined, self._is_wanted, self._stop = (threading.Event() for _ in range(3))
        self._thread = threading.Thread(target=self._serve, name="kafka-reception", daemon=True)
        # Written by one side only: handed by the thread, taken and working by the loop.
        self._handed = self._taken = self._working = 0
        self._epoch = 0
        self._is_flowing = False
        self._next_commit_s = time.monotonic()

    async def open(self) -> None:
        """Join the group and hold an assignment, perhaps an empty one; nothing is received yet.

        Raises:
            TargetUnavailableError: no answer, no such topic, or no assignment within 45 s.
        """
        await asyncio.to_thread(self._require_topic)
        self._thread.start()
        if not await asyncio.to_thread(self._has_joined.wait, JOIN_S):
            raise TargetUnavailableError(
                f"a consumer got no partitions of {self._topic} on {self._brokers} within 45 s",
                hint="see the group's state on the broker; a dead member is kept for 30 s",
            )

    async def take(self) -> Received:
        """Wait for a message, or for an error of the consumer; cancelling loses none."""
        self._is_wanted.set()
        while True:
            received = await self._queue.get()
            self._taken += 1
            # Counted as work before the epoch is compared: see _on_revoke.
            self._working += 1
            if received.error or received.epoch == self._epoch:
                return received
            self._working -= 1

    def finished(self, received: Received) -> None:
        """Say that the work on a taken message is done: its offset may be committed."""
        self._progress.finished(received.partition, received.offset)
        self._working -= 1

    def abandoned(self, received: Received) -> None:
        """Say that a taken message was not worked on to the end: it will come again."""
        del received
        self._working -= 1

    async def close(self) -> None:
        """Commit what is finished, synchronously, and leave the group."""
        self._stop.set()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)
        else:
            await asyncio.to_thread(self._consumer.close)

    def _require_topic(self) -> None:
        what = f"reading the metadata of {self._topic}"
        try:
            found = self._consumer.list_topics(self._topic, timeout=_METADATA_S)
        except KafkaException as error:
            raise unavailable(self._brokers, what, cause(error)) from error
        problem = found.topics[self._topic].error
        if problem is not None:
            raise unavailable(self._brokers, what, problem)

    def _serve(self) -> None:
        self._consumer.subscribe(
            [self._topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )
        try:
            while not self._stop.is_set():
                try:
                    self._receive()
                    self._commit_if_due()
                except KafkaException as error:
                    self._hand_over([self._failure(cause(error))])
                    self._stop.wait(_RETRY_S)
        finally:
            # Leaving revokes the assignment, which commits.
            self._consumer.close()

    def _receive(self) -> None:
        if self._is_wanted.is_set() and not self._is_flowing:
            self._is_flowing = True
            self._consumer.resume(self._consumer.assignment())
        room = QUEUE_MESSAGES - (self._handed - self._taken)
        if room <= 0:
            self._stop.wait(_PAUSE_S)
            return
        first = self._consumer.poll(_POLL_S)
        if first is None:
            return
        # consume() with a timeout would wait for a full batch; without one it only collects.
        more = self._consumer.consume(room - 1, timeout=0) if room > 1 else []
        at_us = self._clock.now_us()
        found = (self._accept(message, at_us) for message in (first, *more))
        self._hand_over([received for received in found if received is not None])

    def _accept(self, message: Message, at_us: int) -> Received | None:
        error, partition, offset = message.error(), message.partition(), message.offset()
        if error is None:
            assert partition is not None, "a message has its place"
            assert offset is not None, "a message has its place"
            self._progress.received(partition, offset)
            return Received(partition, offset, message.value(), at_us, self._epoch)
        if error.code() != _END:
            return self._failure(error)
        if partition is not None and offset is not None:
            self._progress.reached_end(partition, offset)
        return None

    def _failure(self, error: KafkaError) -> Received:
        return Received(-1, -1, None, self._clock.now_us(), self._epoch, error_class(error))

    def _hand_over(self, batch: list[Received]) -> None:
        if batch:
            self._handed += len(batch)
            self._loop.call_soon_threadsafe(self._enqueue, batch)

    def _enqueue(self, batch: list[Received]) -> None:
        for received in batch:
            self._queue.put_nowait(received)

    def _commit_if_due(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._next_commit_s:
            self._next_commit_s = now_s + self._commit_interval_s
            self._commit(is_asynchronous=True)

    def _commit(self, *, is_asynchronous: bool) -> None:
        due = self._progress.due()
        if not due:
            return
        offsets = [TopicPartition(self._topic, number, offset) for number, offset in due.items()]
        if is_asynchronous:
            self._consumer.commit(offsets=offsets, asynchronous=True)
        else:
            self._consumer.commit(offsets=offsets, asynchronous=False)

    def _on_commit(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        # What was not confirmed stays due and is committed again at the next interval.
        if error is None:
            good = {one.partition: one.offset for one in offsets if one.error is None}
            self._progress.committed(good)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.assign(partitions)
        if not self._is_flowing:
            # Nothing flows before the load begins, but a member polls, or it blocks the others.
            consumer.pause(partitions)
        self._has_joined.set()

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        # From here on VUs pass over what is queued; what they work on is finished first.
        self._epoch += 1
        give_up_s = time.monotonic() + self._finish_s
        while self._working and time.monotonic() < give_up_s:
            time.sleep(_PAUSE_S)
        # A commit that fails here leaves messages to come again: counted as duplicates by id.
        with contextlib.suppress(KafkaException):
            self._commit(is_asynchronous=False)
        self._progress.forget(one.partition for one in partitions)

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._epoch += 1
        self._progress.forget(one.partition for one in partitions)
