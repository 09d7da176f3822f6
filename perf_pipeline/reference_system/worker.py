"""The worker: consumes birthday messages, sends them (simulated) and records every delivery.

One process is one asyncio loop with `BIRTHDAY_WORKER_CONCURRENCY` senders; each holds one message
for the simulated sending time. A message's offset is committed after its delivery is committed in
PostgreSQL, never past an unfinished message: what a killed worker had in hand is delivered again.
Add here: what a worker does with a message. Keep out: SQL (deliveries.py), offsets (progress.py).
"""

import asyncio
import contextlib
import logging
import os
import random
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import SimpleQueue

import uvloop
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from perf_pipeline.reference_system.broker_errors import is_for_good
from perf_pipeline.reference_system.deliveries import Delivery, DeliveryLog
from perf_pipeline.reference_system.lifecycle import run_part
from perf_pipeline.reference_system.membership import (
    Renewals,
    consumer_configuration,
)
from perf_pipeline.reference_system.messages import Envelope, UnreadableMessageError, read_envelope
from perf_pipeline.reference_system.progress import PartitionProgress
from perf_pipeline.reference_system.settings import Settings, read_settings
from perf_pipeline.reference_system.topic import await_topic

_FETCH = 200
_POLL_S = 0.1
_RECORD_AT_ONCE = 500
_STORE_S = 0.05
# Together they must fit into the 5 s that a stop may take.
_DRAIN_S = 2.0
_LEAVE_S = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Work:
    """Hold one message between fetching and committing."""

    progress: PartitionProgress
    offset: int
    envelope: Envelope


class Worker:
    """Consume until asked to stop.

    Messages flow fetch -> `_inbox` -> senders -> `_sent` -> recorder; both queues are bounded,
    so that a database that is down stops the fetching in the end.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._deliveries = DeliveryLog(settings.postgres_dsn)
        self._inbox: asyncio.Queue[_Work] = asyncio.Queue(settings.worker_concurrency)
        self._sent: asyncio.Queue[tuple[_Work, Delivery]] = asyncio.Queue(_RECORD_AT_ONCE)
        self._progress: dict[int, PartitionProgress] = {}
        self._finished: SimpleQueue[tuple[PartitionProgress, int]] = SimpleQueue()
        self._unreadable = 0
        self._consumer = Consumer(consumer_configuration(settings, _log))
        self._renewals = Renewals()
        # librdkafka blocks; all calls that may run a rebalance callback come from this thread.
        self._thread = ThreadPoolExecutor(1, "consumer")

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set, finish what is in hand and leave the group.

        Raises:
            KafkaException: the consumer failed for good.
        """
        self._loop = asyncio.get_running_loop()
        await await_topic(self._consumer, self._settings.topic, self._thread, stop)
        self._subscribe()
        senders = [self._send() for _ in range(self._settings.worker_concurrency)]
        jobs = (_until(stop), self._fetch(), self._record(), self._store_often(), *senders)
        tasks = [asyncio.ensure_future(job) for job in jobs]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ended = [task for task in tasks if task.done()]
        tasks[1].cancel()
        await self._drain()
        await self._leave()
        for task in tasks:
            task.cancel()
        await self._deliveries.close()
        _log.info("recorded %d, unreadable %d", self._deliveries.recorded, self._unreadable)
        for task in ended:
            task.result()

    def _subscribe(self) -> None:
        self._consumer.subscribe(
            [self._settings.topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    async def _join_anew(self, error: KafkaError) -> None:
        """Take the place of a member that failed for good; what it had in hand comes again.

        Raises:
            KafkaException: it failed a moment ago, too, as beside another worker of its id.
        """
        if not self._renewals.may(self._loop.time()):
            raise KafkaException(error)
        _log.warning("broker: %s; joining again", error.str())
        await self._loop.run_in_executor(self._thread, self._renew)

    def _renew(self) -> None:
        """Replace the consumer, whose rebalances no longer count; in the consumer's thread only."""
        self._progress.clear()
        old, self._consumer = self._consumer, Consumer(consumer_configuration(self._settings, _log))
        _closing(old).join(_LEAVE_S)  # a broker that hangs would hold up a stop
        self._subscribe()

    async def _fetch(self) -> None:
        while True:
            for message in await self._loop.run_in_executor(self._thread, self._take):
                await self._accept(message)

    def _take(self) -> list[Message]:
        """Wait for one message and take what else is there; runs in the consumer's thread.

        Not consume(n, timeout): it waits for n messages or the whole time-out.
        """
        first = self._consumer.poll(_POLL_S)
        return [] if first is None else [first, *self._consumer.consume(_FETCH - 1, timeout=0)]

    async def _accept(self, message: Message) -> None:
        error = message.error()
        if error is not None:
            if is_for_good(error):
                await self._join_anew(error)
            else:
                _log.warning("broker: %s", error)
            return
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        progress = self._progress.get(partition)
        if progress is None:
            return  # revoked while it was being fetched: somebody else gets it
        progress.begin(offset)
        try:
            work = _Work(progress, offset, read_envelope(message.value()))
        except UnreadableMessageError as unreadable:
            self._unreadable += 1
            _log.debug("partition %d, offset %d: %s", partition, offset, unreadable)
            progress.finish(offset)
            self._note(progress)
        else:
            await self._inbox.put(work)

    async def _send(self) -> None:
        low_ms, high_ms = self._settings.send_ms
        while True:
            work = await self._inbox.get()
            received_at = datetime.now(UTC)
            await asyncio.sleep(random.uniform(low_ms, high_ms) / 1_000)
            await self._sent.put((work, _delivery(work.envelope, received_at, datetime.now(UTC))))

    async def _record(self) -> None:
        while True:
            batch = [await self._sent.get()]
            while not self._sent.empty() and len(batch) < _RECORD_AT_ONCE:
                batch.append(self._sent.get_nowait())
            await self._deliveries.record(delivery for _, delivery in batch)
            for work, _ in batch:
                work.progress.finish(work.offset)
            for progress in {id(work.progress): work.progress for work, _ in batch}.values():
                self._note(progress)
            for _ in batch:
                self._inbox.task_done()

    def _note(self, progress: PartitionProgress) -> None:
        """Note what is finished of a partition, for the consumer's thread to store."""
        position = progress.advance()
        if position is not None:
            self._finished.put((progress, position))

    async def _store_often(self) -> None:
        while True:
            await asyncio.sleep(_STORE_S)
            await self._loop.run_in_executor(self._thread, self._store)

    def _store(self) -> None:
        """Let the next automatic commit include what is finished; in the consumer's thread only.

        Elsewhere store_offsets waits until a poll comes back (confluent-kafka 2.16): in the loop
        it would hold every message in sending for up to `_POLL_S`.
        """
        while not self._finished.empty():
            progress, position = self._finished.get()
            if self._progress.get(progress.partition) is not progress:
                continue
            stored = TopicPartition(progress.topic, progress.partition, position)
            try:
                self._consumer.store_offsets(offsets=[stored])
            except KafkaException as error:
                # The partition has gone in this moment; its next owner starts at the last commit.
                _log.debug("offset %d was not stored: %s", position, error)

    async def _drain(self) -> None:
        """Wait until all that was fetched is recorded, but no longer than a few seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._inbox.join(), _DRAIN_S)

    async def _leave(self) -> None:
        """Commit and leave the group; a broker that hangs is not waited for."""
        await self._loop.run_in_executor(self._thread, self._store)
        leaving = _closing(self._consumer)
        give_up_s = self._loop.time() + _LEAVE_S
        while leaving.is_alive():
            if self._loop.time() > give_up_s:
                _log.warning("the broker does not answer; what is not committed will come again")
                return
            await asyncio.sleep(0.01)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if consumer is not self._consumer:
            return
        for partition in partitions:
            self._progress[partition.partition] = PartitionProgress(
                partition.topic, partition.partition
            )
        _log.info(
            "ready; assigned partitions %s", [partition.partition for partition in partitions]
        )

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if consumer is not self._consumer:
            return
        # The loop only waits for this thread here, so that it is free to finish the work.
        asyncio.run_coroutine_threadsafe(self._drain(), self._loop).result()
        self._store()
        self._on_lost(consumer, partitions)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if consumer is not self._consumer:
            return
        for partition in partitions:
            self._progress.pop(partition.partition, None)
        _log.info("gave up partitions %s", [partition.partition for partition in partitions])


def _closing(consumer: Consumer) -> threading.Thread:
    """Close a consumer in a daemon thread: close() comes back only when the broker has answered."""
    closing = threading.Thread(target=consumer.close, daemon=True)
    closing.start()
    return closing


def _delivery(envelope: Envelope, received_at: datetime, completed_at: datetime) -> Delivery:
    return Delivery(
        message_id=envelope.message_id,
        user_id=envelope.user_id,
        completed_at=completed_at,
        published_at=envelope.published_at,
        received_at=received_at,
    )


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()


async def _consume(settings: Settings, stop: threading.Event) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    if stop.is_set():
        stopping.set()
    await Worker(settings).run(stopping)


def _work(stop: threading.Event) -> int:
    settings = read_settings(os.environ, needs_brokers=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_consume(settings, stop))
    return 0


def main() -> int:
    """Consume until SIGTERM or SIGINT and return the exit code."""
    return run_part("worker", _work)


if __name__ == "__main__":
    sys.exit(main())
