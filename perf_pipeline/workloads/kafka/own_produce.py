"""Produce the messages that a profile defines, one at a time or several as a transaction.

Parameters: `own`, those of the profile; `topic`, where messages go; `brokers`, `allowed`; `folder`,
    where relative paths start; `run`, the run's id; `env`, the scenario's own values;
    `query_files`, the rows of data sets by query. Secrets: `brokers` with credentials, and
    environment variables as `env:NAME`.
Add here: another way to produce such messages. Keep out: the messages themselves (own_messages.py).
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.own_topics import OwnProduceParameters
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.sample import LedgerEvent, Outcome
from perf_pipeline.units import US_PER_MS
from perf_pipeline.workloads.kafka.deliveries import ClientSettings
from perf_pipeline.workloads.kafka.messages import QueueMessage
from perf_pipeline.workloads.kafka.own_messages import NO_ID, OwnMaker, maker_of, require_fitting
from perf_pipeline.workloads.kafka.produce import ProduceMessages, ProduceTransactions
from perf_pipeline.workloads.kafka.producing import Producing, Settled
from perf_pipeline.workloads.kafka.schemas import UnfitValueError

_OVERHEAD_BYTES: Final = 1_000  # what a message adds to a request, without its headers


class _OwnMessages(Producing):
    """Make the profile's messages in place of those of the queue benchmarks."""

    def __init__(self, own: OwnProduceParameters, maker: OwnMaker, largest_bytes: int) -> None:
        super().__init__()
        self._own = own
        self._own_maker = maker
        self._largest_bytes = largest_bytes

    def messages(self, iteration: Iteration, count: int) -> list[QueueMessage]:
        """Make an iteration's messages, and record that they are intended."""
        made = list(self._own_maker.messages(iteration, count))
        if self._own.message_id is not None:
            self.note(made, LedgerEvent.INTENDED, iteration.intended_us)
            if not all(message.message_id for message in made):
                self.opened.recorder.note(NO_ID.format(self._own.message_id))
        return made

    def unfit(self, iteration: Iteration, began_us: int, error: UnfitValueError) -> None:
        """Record an iteration that produced nothing, because its value does not fit its schema."""
        self.opened.recorder.note(str(error))
        settled = Settled(self.opened.clock.now_us(), Outcome.FAILED, "schema")
        (made,) = self._own.operations
        self.record(iteration, made.name, began_us, settled, records=0, bytes_out=0)

    def client_settings(self) -> ClientSettings:
        """Return the properties of librdkafka that the scenario sets."""
        own = self._own
        return {
            "compression.type": own.compression,
            "acks": own.acks,
            "enable.idempotence": own.idempotent,
            "linger.ms": own.linger_us / US_PER_MS,
            "partitioner": own.partitioner,
            "message.max.bytes": max(1_000_000, self._largest_bytes + _OVERHEAD_BYTES),
        }


class _OwnSingles(_OwnMessages, ProduceMessages):
    """Produce one message per iteration."""


class _OwnTransactions(_OwnMessages, ProduceTransactions):
    """Commit one transaction per iteration."""


class OwnProduce:
    """Produce the profile's messages; one iteration is one message, or one transaction.

    A sample lasts from the produce call to the delivery report, or to the commit.
    """

    protocol = "kafka"
    checks: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    async def open(self, context: WorkerContext) -> None:
        """Prepare the messages and connect; nothing is produced.

        Raises:
            TargetUnavailableError: no broker answers, the topic does not exist, or there are too
                few rows of data.
            ProfileError: a file changed since the profile was checked.
            TargetNotAllowedError: a broker advertises a host that may not be loaded.
        """
        own = OwnProduceParameters.model_validate(context.parameters["own"])
        if own.registered is not None:
            require_fitting(maker_of(own, context))  # its own, so that each row comes once
        maker, largest = maker_of(own, context), int(context.parameters.get("largest_bytes", 0))
        kind = _OwnTransactions if own.transaction else _OwnSingles
        self._think_time_us, self._clock = own.think_time_us, context.clock
        self._producing = kind(own, maker, largest)
        given = {
            **context.parameters,
            "ledger": own.message_id is not None,
            "timeout_us": own.timeout_us,
            "messages_per_transaction": own.transaction,
        }
        await self._producing.open(replace(context, parameters=given))

    async def iterate(self, iteration: Iteration) -> None:
        """Produce, record the delivery, then pause for the think time."""
        began_us = self._clock.now_us()
        try:
            await self._producing.iterate(iteration)
        except UnfitValueError as error:
            self._producing.unfit(iteration, began_us, error)
        low_us, high_us = self._think_time_us
        if high_us:
            pause_us = iteration.random.randint(low_us, high_us)
            await self._clock.sleep_until_us(self._clock.now_us() + pause_us)

    async def close(self) -> None:
        """Wait for outstanding deliveries, then disconnect."""
        await self._producing.close()
