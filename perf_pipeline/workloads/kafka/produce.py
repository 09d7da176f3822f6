"""Produce single messages to the queue; transactions and the ceiling have their own modules.

Parameters (JSON): `brokers`, `topic`, `run`, `message_bytes`, `linger_ms`, `timeout_us`,
`ledger`; `messages_per_transaction`; `batch`. Rates count delivery reports and commits, never
calls. Add here: another way to produce. Keep out: topics (topics.py), and rates, which the plan
sets.
"""

import asyncio
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Message

from perf_pipeline.config.defaults import DELIVERY_TIMEOUT_US
from perf_pipeline.engine.ports import Iteration
from perf_pipeline.metrics.sample import LedgerEvent, Outcome
from perf_pipeline.workloads.kafka.ceiling import ProduceCeiling
from perf_pipeline.workloads.kafka.errors import cause, error_class, outcome_of
from perf_pipeline.workloads.kafka.messages import QueueMessage
from perf_pipeline.workloads.kafka.producing import (
    QUEUE_FULL,
    QUEUE_PAUSE_US,
    OneProducer,
    Settled,
)
from perf_pipeline.workloads.kafka.transactions import ProduceTransactions

__all__ = ["ProduceCeiling", "ProduceMessages", "ProduceTransactions"]


@dataclass(slots=True, eq=False)
class _Awaited:
    """Carry one message's delivery report from the producer's thread to its iteration."""

    owner: "ProduceMessages"
    message: QueueMessage
    settled: asyncio.Future[Settled]
    report: Settled | None = None

    def delivered(self, error: KafkaError | None, _: Message) -> None:
        at_us = self.owner.opened.clock.now_us()
        if error is None:
            self.report = Settled(at_us)
        else:
            self.report = Settled(at_us, outcome_of(error), error_class(error))
        self.owner.deliveries.hand_over(self)

    def settle(self) -> None:
        assert self.report is not None, "handed over with its report"
        # This is recorded even if the iteration was interrupted, because the system has promised
        # the message.
        if self.report.outcome is Outcome.OK:
            self.owner.note((self.message,), LedgerEvent.ACKNOWLEDGED, self.report.at_us)
        if not self.settled.done():
            self.settled.set_result(self.report)


class ProduceMessages(OneProducer):
    """Produce one message per iteration and await its delivery report; a VU has one in flight."""

    operation = "produce"

    async def iterate(self, iteration: Iteration) -> None:
        """Produce one message and record its delivery."""
        (message,) = self.messages(iteration, 1)
        clock = self.opened.clock
        started_us = clock.now_us()
        settled: Settled | None = None
        try:
            settled = await self._delivered(message, started_us)
            if settled.outcome is Outcome.TIMEOUT:
                settled = await asyncio.to_thread(self.named, settled)
        finally:
            settled = settled or Settled(clock.now_us(), Outcome.INTERRUPTED)
            records = int(settled.outcome is Outcome.OK)
            self.record(
                iteration,
                self.operation,
                started_us,
                settled,
                records=records,
                bytes_out=records * len(message.value),
            )

    async def _delivered(self, message: QueueMessage, started_us: int) -> Settled:
        clock = self.opened.clock
        awaited: asyncio.Future[Settled] = asyncio.get_running_loop().create_future()
        report = _Awaited(self, message, awaited).delivered
        topic = str(self.opened.parameters["topic"])
        give_up_us = started_us + self.number("timeout_us", DELIVERY_TIMEOUT_US)
        while True:
            try:
                self.deliveries.producer.produce(
                    topic, message.value, message.key, on_delivery=report, headers=message.headers
                )
                return await awaited
            except KafkaException as error:
                refusal = cause(error)
                return Settled(clock.now_us(), outcome_of(refusal), error_class(refusal))
            except BufferError:
                # Waiting in the client's own queue is latency like any other.
                if clock.now_us() >= give_up_us:
                    return Settled(clock.now_us(), Outcome.FAILED, QUEUE_FULL)
                await clock.sleep_until_us(clock.now_us() + QUEUE_PAUSE_US)
