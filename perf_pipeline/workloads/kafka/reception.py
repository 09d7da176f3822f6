"""Receiving: a thread polls the consumer, stamps messages and hands them to the event loop.

Also keeps the group's membership and commits finished work. What is handed over, single messages or
whole batches, is the subclass's to say. Add here: what the group protocol asks of a member. Keep
out: the work on a message.
"""

import asyncio
import contextlib
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final, Generic, Protocol, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.units import US_PER_MS, US_PER_S
from perf_pipeline.workloads.kafka.brokers import brokers_of
from perf_pipeline.workloads.kafka.errors import cause, unavailable
from perf_pipeline.workloads.kafka.offsets import OffsetProgress
from perf_pipeline.workloads.kafka.silence import SOCKET_TIMEOUT_MS, BrokerSilence

BATCH_MESSAGES: Final = 1_000
COMMIT_INTERVAL_US: Final = 500 * US_PER_MS
JOIN_S: Final = 45.0

_METADATA_S: Final = 8.0
_POLL_S: Final = 0.1
_PAUSE_S: Final = 0.001
_RETRY_S: Final = 1.0
END: Final = KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's own codes have this name in the public API
CONSUMER: Final[Mapping[str, str | int | bool]] = MappingProxyType(
    {
        "session.timeout.ms": 30_000,
        "heartbeat.interval.ms": 3_000,
        "socket.timeout.ms": SOCKET_TIMEOUT_MS,
        # Only for a group without a position; the benchmarks fix it before producing starts.
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        # With 100,000 messages at hand librdkafka stops fetching, and looks again only after a
        # second by default: a backlog then moves at 177,000 messages/s where it can at 1,100,000.
        "fetch.queue.backoff.ms": 10,
        "log_level": 0,
    }
)
_OPTIONAL_SETTINGS: Final = (
    ("session_timeout_ms", "session.timeout.ms"),
    ("heartbeat_ms", "heartbeat.interval.ms"),
)


class Handed(Protocol):
    """Be on its way from the thread to a VU: messages, or an error of the consumer."""

    @property
    def epoch(self) -> int:
        """Give the assignment that it came under."""
        ...

    @property
    def error(self) -> str:
        """Give the class of the error, empty for messages."""
        ...

    @property
    def count(self) -> int:
        """Give how many of `most_waiting` it is."""
        ...


T = TypeVar("T", bound=Handed)


class Reception(ABC, Generic[T]):
    """Be one member of a consumer group.

    Args:
        context: of the worker; its parameters are `brokers`, `topic` and `group`, and may be
            `commit_interval_us` (least time between two commits), `session_timeout_ms` and
            `heartbeat_ms`.
        finish_us: how long a revoked partition waits for work under way.

    Attributes:
        clock: the context's; stamps messages.
        epoch: counts assignments; what came under an earlier one is passed over.
        progress: of the assigned partitions.
    """

    most_waiting: ClassVar[int]
    """How many messages may wait for VUs."""

    def __init__(self, context: WorkerContext, *, finish_us: int) -> None:
        given = context.parameters
        self._brokers = brokers_of(context)
        self._topic = str(given["topic"])
        self.clock = context.clock
        interval_us = int(given.get("commit_interval_us", COMMIT_INTERVAL_US))
        self._commit_interval_s = interval_us / US_PER_S
        self._finish_s = finish_us / US_PER_S
        self._silence = BrokerSilence()
        self._consumer = Consumer(
            {
                **CONSUMER,
                **kafka_settings(self._brokers),
                "group.id": str(given["group"]),
                **{their: int(given[our]) for our, their in _OPTIONAL_SETTINGS if our in given},
                "on_commit": self._on_commit,
            }
        )
        self.progress = OffsetProgress()
        self._queue: asyncio.Queue[T] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._has_joined, self._is_wanted, self._stop = (threading.Event() for _ in range(3))
        self._thread = threading.Thread(target=self._serve, name="kafka-reception", daemon=True)
        # Written by one side only: handed by the thread, taken and working by the loop.
        self._handed = self._taken = self._working = 0
        self.epoch = 0
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

    async def take(self) -> T:
        """Wait for messages, or for an error of the consumer; cancelling loses none."""
        self._is_wanted.set()
        while True:
            received = await self._queue.get()
            self._taken += received.count
            # Counted as work before the epoch is compared: see _on_revoke.
            self._working += 1
            if received.error or received.epoch == self.epoch:
                return received
            self._working -= 1

    def settled(self) -> None:
        """Say that a taken one is in nobody's hands any more."""
        self._working -= 1

    @abstractmethod
    def accept(self, messages: Sequence[Message], at_us: int) -> list[T]:
        """Make what VUs are handed of messages and events, in their order; not on the loop.

        Args:
            messages: as they were received, also ends of partitions and errors.
            at_us: when the first one was received.
        """

    @abstractmethod
    def failure(self, error: KafkaError) -> T:
        """Make what a VU is handed of an error of the consumer; not on the loop."""

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
                    self._tell_of_silence()
                    self._commit_if_due()
                except KafkaException as error:
                    self._hand_over([self.failure(cause(error))])
                    self._stop.wait(_RETRY_S)
        finally:
            # Leaving revokes the assignment, which commits.
            self._consumer.close()

    def _receive(self) -> None:
        if self._is_wanted.is_set() and not self._is_flowing:
            self._is_flowing = True
            self._consumer.resume(self._consumer.assignment())
        room = self.most_waiting - (self._handed - self._taken)
        if room <= 0:
            self._stop.wait(_PAUSE_S)
            return
        first = self._consumer.poll(_POLL_S)
        if first is None:
            return
        at_us = self.clock.now_us()
        if first.error() is None:
            self._silence.heard()
        # consume() with a timeout would wait for a full batch; without one it only collects.
        more = min(room, BATCH_MESSAGES) - 1
        messages = [first, *self._consumer.consume(more, timeout=0)] if more else [first]
        self._hand_over(self.accept(messages, at_us))

    def _tell_of_silence(self) -> None:
        error = self._silence.lasting(self._consumer, self._topic)
        if error is not None:
            self._hand_over([self.failure(error)])

    def _hand_over(self, batch: list[T]) -> None:
        if batch:
            self._handed += sum(handed.count for handed in batch)
            self._loop.call_soon_threadsafe(self._enqueue, batch)

    def _enqueue(self, batch: list[T]) -> None:
        for received in batch:
            self._queue.put_nowait(received)

    def _commit_if_due(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._next_commit_s:
            self._next_commit_s = now_s + self._commit_interval_s
            self._commit(is_asynchronous=True)

    def _commit(self, *, is_asynchronous: bool) -> None:
        due = self.progress.due()
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
            self.progress.committed(good)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.assign(partitions)
        if not self._is_flowing:
            # Nothing flows before the load begins, but a member polls, or it blocks the others.
            consumer.pause(partitions)
        self._has_joined.set()

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        # From here on VUs pass over what is queued; what they work on is finished first.
        self.epoch += 1
        give_up_s = time.monotonic() + self._finish_s
        while self._working and time.monotonic() < give_up_s:
            time.sleep(_PAUSE_S)
        # A commit that fails here leaves messages to come again: counted as duplicates by id.
        if not self._silence.is_known:
            with contextlib.suppress(KafkaException):
                self._commit(is_asynchronous=False)
        self.progress.forget(one.partition for one in partitions)

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self.epoch += 1
        self.progress.forget(one.partition for one in partitions)
