"""The base of all producing workloads: parameters, messages, the ledger, and samples.

Add here: something that another way of producing would repeat. Keep out: the calls that produce.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.defaults import DELIVERY_TIMEOUT_US, LINGER_MS, MESSAGE_BYTES
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.sample import LedgerEntry, LedgerEvent, Outcome
from perf_pipeline.units import US_PER_MS, US_PER_S
from perf_pipeline.workloads.kafka.brokers import brokers_of
from perf_pipeline.workloads.kafka.deleted_topic import DeletedTopic, note_if_deleted
from perf_pipeline.workloads.kafka.deliveries import NO_SETTINGS, ClientSettings, DeliveryThread
from perf_pipeline.workloads.kafka.first_look import look_first
from perf_pipeline.workloads.kafka.messages import MessageMaker, QueueMessage

QUEUE_FULL: Final = "queue_full"
QUEUE_PAUSE_US: Final = US_PER_MS


@dataclass(frozen=True, slots=True)
class Settled:
    """Say how a produce call or a transaction ended.

    Attributes:
        at_us: when the report arrived, by a timestamp taken in the thread that received it.
        outcome: the outcome of the sample.
        error: the class of the error; empty if there is none.
    """

    at_us: int
    outcome: Outcome = Outcome.OK
    error: str = ""


class Producing(ABC):
    """Hold what the producing workloads share: parameters, messages, and the ledger."""

    protocol = "kafka"
    checks: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def __init__(self) -> None:
        self._context: WorkerContext | None = None
        self._maker: MessageMaker | None = None
        self._deleted: DeletedTopic | None = None

    async def open(self, context: WorkerContext) -> None:
        """Connect, and fetch metadata and producer ids; no message is produced.

        Raises:
            TargetUnavailableError: the brokers do not answer, or have no such topic.
            TargetNotAllowedError: one of them advertises a host that may not be loaded.
        """
        self._context = context
        self._maker = MessageMaker(
            run=str(context.parameters["run"]),
            worker=context.worker,
            message_bytes=int(context.parameters.get("message_bytes", MESSAGE_BYTES)),
            due=datetime.now(UTC),
        )
        self._deleted = DeletedTopic(brokers_of(context), str(context.parameters["topic"]))
        await look_first(context)
        await asyncio.to_thread(self._deleted.error)  # so that it connects before the load
        try:
            await self._connect(context)
        except BaseException:
            await self.close()
            raise

    @abstractmethod
    async def _connect(self, context: WorkerContext) -> None: ...

    @abstractmethod
    async def close(self) -> None:
        """Wait for outstanding reports, then disconnect."""

    @property
    def opened(self) -> WorkerContext:
        """Return the context; `open` must be called first."""
        assert self._context is not None, "open comes first"
        return self._context

    @property
    def maker(self) -> MessageMaker:
        """Return the maker of messages; `open` must be called first."""
        assert self._maker is not None, "open comes first"
        return self._maker

    def messages(self, iteration: Iteration, count: int) -> list[QueueMessage]:
        """Make an iteration's messages, and record that they are intended."""
        made = list(self.maker.messages(iteration, count))
        self.note(made, LedgerEvent.INTENDED, iteration.intended_us)
        return made

    def note(self, messages: Iterable[QueueMessage], event: LedgerEvent, at_us: int) -> None:
        """Write messages into the ledger, unless the scenario keeps none."""
        context = self.opened
        if context.parameters.get("ledger", True):
            for message in messages:
                if message.message_id:
                    context.recorder.ledger(LedgerEntry(message.message_id, event, at_us))

    def client_settings(self) -> ClientSettings:
        """Return the properties of librdkafka that this way of producing sets."""
        return NO_SETTINGS

    def number(self, name: str, default: int) -> int:
        """Return a whole-numbered parameter."""
        return int(self.opened.parameters.get(name, default))

    def named(self, settled: Settled) -> Settled:
        """Turn a timeout into a failure if the topic was deleted; return anything else unchanged.

        It blocks for up to 1.5 s if no broker answers; any thread may call it.
        """
        assert self._deleted is not None, "open comes first"
        if settled.outcome is not Outcome.TIMEOUT or not (error := self._deleted.error()):
            return settled
        return replace(settled, outcome=Outcome.FAILED, error=error)

    def record(
        self,
        iteration: Iteration,
        operation: str,
        started_us: int,
        settled: Settled,
        *,
        records: int,
        bytes_out: int,
    ) -> None:
        """Record the iteration's sample, with the records and bytes that were delivered."""
        if settled.error:
            note_if_deleted(self.opened, settled.error)
        self.opened.recorder.sample(
            iteration,
            operation,
            started_us,
            settled.at_us,
            settled.outcome,
            error=settled.error,
            bytes_out=bytes_out,
            records=records,
        )


class OneProducer(Producing):
    """A base with one idempotent producer for all VUs of the worker, as in an application."""

    def __init__(self) -> None:
        super().__init__()
        self._deliveries: DeliveryThread | None = None

    async def _connect(self, context: WorkerContext) -> None:
        self._deliveries = DeliveryThread(
            brokers_of(context),
            linger_ms=self.number("linger_ms", LINGER_MS),
            timeout_ms=max(1, self.number("timeout_us", DELIVERY_TIMEOUT_US) // US_PER_MS),
            settings=self.client_settings(),
        )
        await asyncio.to_thread(self._deliveries.open, str(context.parameters["topic"]))

    async def close(self) -> None:
        """Wait for outstanding delivery reports, then stop."""
        if self._deliveries is not None:
            timeout_s = self.number("timeout_us", DELIVERY_TIMEOUT_US) / US_PER_S
            await asyncio.to_thread(self._deliveries.close, timeout_s)

    @property
    def deliveries(self) -> DeliveryThread:
        """Return the producer with its thread; `open` must be called first."""
        assert self._deliveries is not None, "open comes first"
        return self._deliveries
