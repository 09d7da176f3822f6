"""Receive messages: a thread polls the consumer, timestamps messages and hands them to the loop.

It also keeps the membership in the group and commits finished work. A subclass decides what is
handed over, single messages or whole batches. Add here: another duty of a group member. Keep out:
the work on a message.
"""

import asyncio
import contextlib
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Final, Generic, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from perf_pipeline.config.defaults import COMMIT_INTERVAL_US
from perf_pipeline.config.kafka_client import is_of_brokers, kafka_settings, shown_brokers
from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.units import US_PER_S
from perf_pipeline.workloads.kafka.brokers import brokers_of
from perf_pipeline.workloads.kafka.consumer_client import consumer_of
from perf_pipeline.workloads.kafka.errors import cause
from perf_pipeline.workloads.kafka.first_look import require_topic
from perf_pipeline.workloads.kafka.handed import Handed
from perf_pipeline.workloads.kafka.offsets import OffsetProgress
from perf_pipeline.workloads.kafka.rebalances import Rebalances
from perf_pipeline.workloads.kafka.rewinding import first_offsets, go_back, is_failure
from perf_pipeline.workloads.kafka.silence import BrokerSilence, LastQuestion

BATCH_MESSAGES: Final = 1_000
# The same amount may wait in librdkafka, plus one fetch (50 MB).
MOST_WAITING_BYTES: Final = 64 * 1024 * 1024
JOIN_S: Final = 45.0

_POLL_S: Final = 0.1
_PAUSE_S: Final = 0.001
_RETRY_S: Final = 1.0

T = TypeVar("T", bound=Handed)


class Reception(ABC, Generic[T]):
    """Act as one member of a consumer group.

    Args:
        context: the worker's context; its parameters are `brokers`, `topic` and `group`, and
            perhaps `commit_interval_us` (the least time between two commits), `session_timeout_ms`
            and `heartbeat_ms`.
        finish_us: how long a revoked partition waits for work in progress.

    Attributes:
        clock: the context's clock, which timestamps messages.
        epoch: counts assignments; messages of an earlier assignment are skipped.
        progress: the progress in the assigned partitions.
        rebalances: the rebalances of the group since messages began to flow.
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
        self._silence, self._last_question = BrokerSilence(), LastQuestion()
        self._consumer = consumer_of(context, self._on_commit)
        self._is_incremental = is_of_brokers(kafka_settings(self._brokers))
        self.progress, self.rebalances = OffsetProgress(), Rebalances()
        self._queue: asyncio.Queue[T | Exception] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._has_joined, self._is_wanted, self._stop = (threading.Event() for _ in range(3))
        self._thread = threading.Thread(target=self._serve, name="kafka-reception", daemon=True)
        # Each has one writer: `handed` the thread, `taken` and `working` the loop.
        self._handed = self._taken = self._working = 0
        self._handed_bytes = self._taken_bytes = 0
        self.epoch = 0
        self._is_flowing = False
        self._next_commit_s = time.monotonic()

    async def open(self) -> None:
        """Join the group and wait for an assignment, perhaps an empty one; nothing is received yet.

        Raises:
            TargetUnavailableError: no broker answers, the topic does not exist, or there is no
                assignment within 45 s.
        """
        await asyncio.to_thread(require_topic, self._consumer, self._brokers, self._topic)
        self._thread.start()
        if not await asyncio.to_thread(self._has_joined.wait, JOIN_S):
            raise TargetUnavailableError(
                f"a consumer was given no partitions of {self._topic} on "
                f"{shown_brokers(self._brokers)} within 45 s",
                hint="look at the group's state on the broker, which keeps a dead member for 30 s",
            )

    async def take(self) -> T:
        """Wait for messages, or for an error of the consumer; cancelling loses none.

        An exception in the receiving thread is raised here, once, so that it does not look like a
        quiet topic.
        """
        self._is_wanted.set()
        while True:
            received = await self._queue.get()
            if isinstance(received, Exception):
                raise received
            self._taken += received.count
            self._taken_bytes += received.size
            # Count it as work before comparing the epoch: see _on_revoke.
            self._working += 1
            if received.error or received.epoch == self.epoch:
                return received
            self._working -= 1

    def settled(self) -> None:
        """Note that nobody holds the taken messages any more."""
        self._working -= 1

    @abstractmethod
    def finished(self, received: T) -> None:
        """Note that received messages are recorded, so that their offsets may be committed."""

    @abstractmethod
    def accept(self, messages: Sequence[Message], at_us: int) -> list[T]:
        """Turn messages and events into what VUs get, in order; this does not run on the loop.

        Args:
            messages: the messages as they were received, including ends of partitions and errors.
            at_us: when the first message was received.
        """

    @abstractmethod
    def failure(self, error: KafkaError) -> T:
        """Turn an error of the consumer into what a VU gets; this does not run on the loop."""

    @property
    def heard_us(self) -> int:
        """Return when the brokers were last heard from, on the run's clock."""
        ago_s = time.monotonic() - self._silence.heard_s
        return self.clock.now_us() - round(ago_s * US_PER_S)

    def asked_at_the_end(self) -> KafkaError | None:
        """Ask the brokers whether they still answer, for up to 4 s; return the error, if any."""
        return self._last_question.ask()

    async def close(self, within_s: float) -> None:
        """Commit finished work, synchronously, and leave the group.

        Brokers that hang must not delay the end of a worker, so the thread is left behind after
        `within_s`. It keeps the client, so that the client is not destroyed during the call.
        """
        self._stop.set()
        if self._thread.ident is None:
            self._thread = threading.Thread(target=self._consumer.close, daemon=True)
            self._thread.start()
        await asyncio.to_thread(self._thread.join, within_s)

    def _serve(self) -> None:
        self._consumer.subscribe(
            [self._topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )
        try:
            while not self._stop.is_set():
                self._take_turn()
        except Exception as error:  # noqa: BLE001 - see `take`
            self._call(self._queue.put_nowait, error)
            self._last_question.answer(None)  # the error is already reported
        finally:
            # Leaving revokes the assignment, which commits; that takes seconds if no broker
            # answers.
            if not self._silence.is_known:
                self._consumer.close()

    def _take_turn(self) -> None:
        problem = None
        try:
            self._receive()
            problem = self._silence.lasting(self._consumer, self._topic)
            if problem is not None:
                self._hand_over([self.failure(problem)])
            self._commit_if_due()
        except KafkaException as error:
            self._hand_over([self.failure(cause(error))])
            self._stop.wait(_RETRY_S)
        if self._last_question.is_open:
            problem = problem or self._silence.at_the_end(self._consumer, self._topic)
            self._last_question.answer(problem)

    def _receive(self) -> None:
        if self._is_wanted.is_set() and not self._is_flowing:
            self._is_flowing = True
            self._consumer.resume(self._consumer.assignment())
        room = self.most_waiting - (self._handed - self._taken)
        if room <= 0 or self._handed_bytes - self._taken_bytes > MOST_WAITING_BYTES:
            self._stop.wait(_PAUSE_S)
            return
        first = self._consumer.poll(_POLL_S)
        if first is None:
            return
        at_us = self.clock.now_us()
        if first.error() is None:
            self._silence.heard()
        # consume() with a timeout would wait for a full batch; without one it takes what is there.
        more, epoch = min(room, BATCH_MESSAGES) - 1, self.epoch
        messages = [first, *self._consumer.consume(more, timeout=0)] if more else [first]
        if epoch != self.epoch:
            messages = self._sent_back(messages)
        self._hand_over(self.accept(messages, at_us))

    def _sent_back(self, messages: list[Message]) -> list[Message]:
        """Fetch messages again that may precede a rebalance; return the events among them."""
        known = self.progress.rewound()
        back = {at: known.get(at, first) for at, first in first_offsets(messages).items()}
        go_back(self._consumer, self._topic, back)
        return [message for message in messages if is_failure(message)]

    def _hand_over(self, batch: list[T]) -> None:
        self._handed += sum(handed.count for handed in batch)
        self._handed_bytes += sum(handed.size for handed in batch)
        self._call(self._enqueue, batch)

    def _call(self, what: Callable[..., None], given: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended and left this thread behind
            self._loop.call_soon_threadsafe(what, given)

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
        # An unconfirmed offset stays due, and is committed again at the next interval.
        if error is None:
            good = {
                partition.partition: partition.offset
                for partition in offsets
                if partition.error is None
            }
            self.progress.committed(good)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._is_incremental:
            consumer.incremental_assign(partitions)
        else:
            consumer.assign(partitions)
        self.rebalances.ended(self.clock.now_us())
        if not self._is_flowing:
            # No message flows before the load begins, but a member must poll, or it would block the
            # others.
            consumer.pause(partitions)
        self._has_joined.set()

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # From here on VUs skip queued messages; messages in progress are finished first.
        self._lose_assignment()
        give_up_s = time.monotonic() + self._finish_s
        while self._working and time.monotonic() < give_up_s:
            time.sleep(_PAUSE_S)
        # If a commit fails here, messages come again and count as duplicates by id.
        if not self._silence.is_known:
            with contextlib.suppress(KafkaException):
                self._commit(is_asynchronous=False)
        self.progress.forget(partition.partition for partition in partitions)
        if self._is_incremental:
            # In partitions that stay, messages that VUs skip come again.
            go_back(consumer, self._topic, self.progress.rewound())

    def _lose_assignment(self) -> None:
        self.epoch += 1
        if self._is_flowing:
            self.rebalances.began(self.clock.now_us())

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._lose_assignment()
        self.progress.forget(partition.partition for partition in partitions)
