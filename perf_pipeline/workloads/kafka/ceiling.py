"""The ceiling of producing: unpaced batches, as fast as the client's queue takes them.

Add here: something that changes the ceiling (mention it in the profile). Keep out: paced producing.
"""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException, Message

from perf_pipeline.config.defaults import DELIVERY_TIMEOUT_US, MESSAGES_PER_BATCH
from perf_pipeline.engine.ports import Clock, Iteration, WorkerContext
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.units import US_PER_S
from perf_pipeline.workloads.kafka.deliveries import Batch, queue_batch
from perf_pipeline.workloads.kafka.errors import cause, error_class, outcome_of
from perf_pipeline.workloads.kafka.producing import (
    QUEUE_FULL,
    QUEUE_PAUSE_US,
    OneProducer,
    Settled,
)


@dataclass(slots=True, eq=False)
class _Burst:
    """Count the delivery reports of one batch; only the producer's thread writes."""

    clock: Clock
    left: int
    is_done: threading.Event = field(default_factory=threading.Event)
    delivered: int = 0
    bytes_out: int = 0
    last_us: int = 0
    error: KafkaError | None = None

    def report(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.delivered += 1
            self.bytes_out += len(message)
        else:
            self.error = error
        self.left -= 1
        if not self.left:
            self.last_us = self.clock.now_us()
            self.is_done.set()


class ProduceCeiling(OneProducer):
    """Produce a batch per iteration, as fast as the client's queue takes it.

    Each batch is one sample, which lasts until the batch's last delivery report; its records are
    the delivered messages. There is no ledger of them.
    """

    operation = "produce_batch"

    def __init__(self) -> None:
        super().__init__()
        self._threads: ThreadPoolExecutor | None = None
        self._is_closing = threading.Event()

    async def _connect(self, context: WorkerContext) -> None:
        self._threads = ThreadPoolExecutor(context.vus, thread_name_prefix="kafka-ceiling")
        await super()._connect(context)

    async def close(self) -> None:
        """Wait for outstanding delivery reports, then stop."""
        self._is_closing.set()
        await super().close()
        if self._threads is not None:
            self._threads.shutdown()

    async def iterate(self, iteration: Iteration) -> None:
        """Produce one batch, and record it when all delivery reports are there."""
        count = self.number("batch", MESSAGES_PER_BATCH)
        messages: Batch = [
            {"key": key, "value": value} for _, key, value in self.maker.parts(iteration, count)
        ]
        clock = self.opened.clock
        burst, started_us = _Burst(clock, len(messages)), clock.now_us()
        settled: Settled | None = None
        try:
            loop = asyncio.get_running_loop()
            settled = await loop.run_in_executor(self._threads, self._sent, messages, burst)
        finally:
            settled = settled or Settled(clock.now_us(), Outcome.INTERRUPTED)
            records, bytes_out = burst.delivered, burst.bytes_out
            self.record(
                iteration,
                self.operation,
                started_us,
                settled,
                records=records,
                bytes_out=bytes_out,
            )

    def _sent(self, messages: Batch, burst: _Burst) -> Settled:
        return self.named(self._send(messages, burst))

    def _send(self, messages: Batch, burst: _Burst) -> Settled:
        timeout_s = self.number("timeout_us", DELIVERY_TIMEOUT_US) / US_PER_S
        give_up = time.monotonic() + timeout_s
        topic = str(self.opened.parameters["topic"])
        while messages:
            try:
                messages = queue_batch(self.deliveries.producer, topic, messages, burst.report)
            except KafkaException as error:
                refusal = cause(error)
                return Settled(burst.clock.now_us(), outcome_of(refusal), error_class(refusal))
            if messages:
                if self._is_closing.is_set() or time.monotonic() > give_up:
                    return Settled(burst.clock.now_us(), Outcome.FAILED, QUEUE_FULL)
                time.sleep(QUEUE_PAUSE_US / US_PER_S)
        # Every message has a report after message.timeout.ms; the thread gets one more second.
        if not burst.is_done.wait(timeout_s + 1.0):
            return Settled(burst.clock.now_us(), Outcome.TIMEOUT, "timed_out")
        if burst.error is not None:
            return Settled(burst.last_us, outcome_of(burst.error), error_class(burst.error))
        return Settled(burst.last_us)
