"""Produce transactions: an iteration begins one, produces its messages, and commits it.

Add here: another part of transactions. Keep out: single messages (produce.py).
"""

import asyncio
import contextlib
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer

from perf_pipeline.config.defaults import DELIVERY_TIMEOUT_US, LINGER_MS, MESSAGES_PER_TRANSACTION
from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.sample import LedgerEvent, Outcome
from perf_pipeline.units import US_PER_MS
from perf_pipeline.workloads.kafka.brokers import brokers_of
from perf_pipeline.workloads.kafka.deliveries import NO_SETTINGS, ClientSettings
from perf_pipeline.workloads.kafka.errors import cause, error_class, outcome_of, unavailable
from perf_pipeline.workloads.kafka.first_look import require_topic
from perf_pipeline.workloads.kafka.messages import QueueMessage
from perf_pipeline.workloads.kafka.producing import (
    QUEUE_FULL,
    Producing,
    Settled,
)

ABORT_S: Final = 1.0  # after this time a failure is reported, even if the broker is gone
# The least timeout before the load: a broker that has just started first loads its transactions,
# and answers "Coordinator load in progress".
_OPENED_WITHIN_S: Final = 30.0


class Transactor:
    """Commit one transaction at a time under its own transactional id; calls block.

    Args:
        brokers: bootstrap servers.
        transactional_id: the id, which nobody else may use, or one of the two is fenced.
        linger_ms: how long the client waits for a batch to fill.
        timeout_ms: the timeout of each call of the load, and the time after which the broker aborts
            an unfinished transaction.
        settings: the scenario's settings for librdkafka.
    """

    def __init__(
        self,
        brokers: str,
        transactional_id: str,
        *,
        linger_ms: int,
        timeout_ms: int,
        settings: ClientSettings = NO_SETTINGS,
    ) -> None:
        self._brokers = brokers
        self._timeout_s = timeout_ms / 1_000
        self._configuration: dict[str, str | int | float | bool] = {
            **kafka_settings(brokers),
            "transactional.id": transactional_id,
            "transaction.timeout.ms": timeout_ms,
            "message.timeout.ms": timeout_ms,
            "linger.ms": linger_ms,
            "acks": "all",
            **settings,
            "log_level": 0,
        }
        self._producer: Producer | None = None

    def open(self, topic: str) -> None:
        """Connect, fetch the topic's metadata and the producer id; nothing is produced.

        Raises:
            TargetUnavailableError: no broker answers, the topic does not exist, or the brokers have
                no transactions.
        """
        producer = Producer(self._configuration)
        require_topic(producer, self._brokers, topic)
        try:
            producer.init_transactions(max(self._timeout_s, _OPENED_WITHIN_S))
        except KafkaException as error:
            raise unavailable(self._brokers, "opening transactions", cause(error)) from error
        self._producer = producer

    def commit(self, topic: str, messages: Sequence[QueueMessage]) -> None:
        """Produce the messages in one transaction and return when it is committed.

        Raises:
            KafkaException: the transaction is not committed; it was aborted if possible.
            BufferError: the client's queue can't hold this many messages; the transaction was
                aborted.
        """
        producer = self._producer
        if producer is None:
            producer = Producer(self._configuration)
            producer.init_transactions(self._timeout_s)
            self._producer = producer
        try:
            producer.begin_transaction()
            for message in messages:
                producer.produce(topic, message.value, message.key, headers=message.headers)
            producer.commit_transaction(self._timeout_s)
        except (KafkaException, BufferError):
            self._abort(producer)
            raise

    def _abort(self, producer: Producer) -> None:
        # After an abort, librdkafka 2.16 continues with wrong sequence numbers (the next commit
        # fails with out_of_order_sequence_number). A new producer with this id starts again, and
        # makes the broker abort whatever could not be aborted here.
        self._producer = None
        with contextlib.suppress(KafkaException):
            producer.abort_transaction(min(ABORT_S, self._timeout_s))


class ProduceTransactions(Producing):
    """Produce and commit one transaction per iteration; each VU has its own producer.

    Each transaction is one sample, which lasts until its commit is acknowledged; its records are
    the messages. Calls of librdkafka block, so each VU has a thread.
    """

    operation = "transaction"

    def __init__(self) -> None:
        super().__init__()
        self._threads: ThreadPoolExecutor | None = None
        self._idle: asyncio.Queue[Transactor] = asyncio.Queue()

    async def _connect(self, context: WorkerContext) -> None:
        brokers, topic = brokers_of(context), str(context.parameters["topic"])
        # The prefix is unique to this process, so that two scenarios of a run can't fence each
        # other.
        prefix = f"perf-pipeline-{secrets.token_hex(6)}"
        transactors = [
            Transactor(
                brokers,
                f"{prefix}-{vu}",
                linger_ms=self.number("linger_ms", LINGER_MS),
                timeout_ms=max(1, self.number("timeout_us", DELIVERY_TIMEOUT_US) // US_PER_MS),
                settings=self.client_settings(),
            )
            for vu in range(context.vus)
        ]
        self._threads = ThreadPoolExecutor(context.vus, thread_name_prefix="kafka-transactions")
        loop = asyncio.get_running_loop()
        await asyncio.gather(
            *(
                loop.run_in_executor(self._threads, transactor.open, topic)
                for transactor in transactors
            )
        )
        for transactor in transactors:
            self._idle.put_nowait(transactor)

    async def iterate(self, iteration: Iteration) -> None:
        """Commit one transaction and record it."""
        messages = self.messages(iteration, self._size())
        clock, settled = self.opened.clock, None
        transactor = await self._lent(iteration)
        started_us = clock.now_us()
        call = asyncio.get_running_loop().run_in_executor(
            self._threads, self._commit, transactor, messages
        )
        # This is not in `finally`, since after a cancellation the thread goes on until its call
        # returns.
        call.add_done_callback(lambda done: self._returned(transactor, messages, done))
        try:
            settled = await asyncio.shield(call)
        finally:
            settled = settled or Settled(clock.now_us(), Outcome.INTERRUPTED)
            committed = messages if settled.outcome is Outcome.OK else ()
            self.record(
                iteration,
                self.operation,
                started_us,
                settled,
                records=len(committed),
                bytes_out=sum(len(message.value) for message in committed),
            )

    async def close(self) -> None:
        """Wait for the calls in progress; each ends within the timeout."""
        if self._threads is not None:
            await asyncio.to_thread(self._threads.shutdown)

    async def _lent(self, iteration: Iteration) -> Transactor:
        """Wait as long as a call of an interrupted iteration is still in progress."""
        began_us = self.opened.clock.now_us()
        try:
            return await self._idle.get()
        except asyncio.CancelledError:
            waited = Settled(self.opened.clock.now_us(), Outcome.INTERRUPTED)
            self.record(iteration, self.operation, began_us, waited, records=0, bytes_out=0)
            raise

    def _size(self) -> int:
        return self.number("messages_per_transaction", MESSAGES_PER_TRANSACTION)

    def _returned(
        self,
        transactor: Transactor,
        messages: list[QueueMessage],
        call: asyncio.Future[Settled],
    ) -> None:
        self._idle.put_nowait(transactor)
        if not call.cancelled() and call.exception() is None:
            settled = call.result()
            if settled.outcome is Outcome.OK:
                self.note(messages, LedgerEvent.ACKNOWLEDGED, settled.at_us)

    def _commit(self, transactor: Transactor, messages: list[QueueMessage]) -> Settled:
        clock, topic = self.opened.clock, str(self.opened.parameters["topic"])
        try:
            transactor.commit(topic, messages)
        except KafkaException as error:
            refusal: KafkaError = cause(error)
            return self.named(Settled(clock.now_us(), outcome_of(refusal), error_class(refusal)))
        except BufferError:
            return Settled(clock.now_us(), Outcome.FAILED, QUEUE_FULL)
        return Settled(clock.now_us())
