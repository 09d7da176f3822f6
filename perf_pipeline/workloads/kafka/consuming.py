"""The base of all consuming workloads: join the group before the load, and leave it afterwards.

A wait for messages is not an operation, because nobody promised any. If the end of the load cuts a
wait off and the brokers do not answer then, it is an operation that failed: a consumer that stands
still because of the brokers must never pass. Add here: something that another way of consuming
would repeat. Keep out: the group protocol (reception.py), and work on messages.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final, Generic, TypeVar

from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.censoring import UNANSWERED
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.kafka.deleted_topic import note_if_deleted
from perf_pipeline.workloads.kafka.errors import error_class, is_silence
from perf_pipeline.workloads.kafka.first_look import look_first
from perf_pipeline.workloads.kafka.handed import Handed
from perf_pipeline.workloads.kafka.reception import Reception

T = TypeVar("T", bound=Handed)

CLOSE_S: Final = 4.5  # the engine gives a workload 5 s to close
_LEAST_S: Final = 0.1


class Consuming(ABC, Generic[T]):
    """Hold the worker's member of the consumer group."""

    protocol = "kafka"
    operation: ClassVar[str]
    checks: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def __init__(self) -> None:
        self._context: WorkerContext | None = None
        self._reception: Reception[T] | None = None
        self._cut_off: list[tuple[Iteration, int]] = []

    @property
    def opened(self) -> WorkerContext:
        """Return the context; `open` must be called first."""
        assert self._context is not None, "open comes first"
        return self._context

    @property
    def reception(self) -> Reception[T]:
        """Return the source of messages; `open` must be called first."""
        assert self._reception is not None, "open comes first"
        return self._reception

    async def open(self, context: WorkerContext) -> None:
        """Join the group; messages flow from the first iteration on.

        Raises:
            TargetUnavailableError: no answer, no such topic, or no assignment.
            TargetNotAllowedError: a broker advertises a host that may not be loaded.
        """
        self._context = context
        await look_first(context)
        self._reception = self._member(context)
        try:
            await self._reception.open()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Ask the brokers if the end cut any wait off; commit, and leave the group.

        In total this takes up to 4.5 s.
        """
        until_s = time.monotonic() + CLOSE_S
        try:
            await asyncio.gather(self._look_back(), self._tell_of_silence())
        finally:
            if self._reception is not None:
                await self._reception.close(max(_LEAST_S, until_s - time.monotonic()))

    async def _look_back(self) -> None:
        """Check received messages once more, for up to 4 s, while the brokers are asked."""

    async def received(self, iteration: Iteration) -> T:
        """Wait for messages from the reception; cancelling loses none."""
        began_us = self.opened.clock.now_us()
        try:
            received = await self.reception.take()
        except asyncio.CancelledError:
            self.cut_off(iteration, began_us)
            raise
        if received.error:
            note_if_deleted(self.opened, received.error)
        return received

    def cut_off(self, iteration: Iteration, began_us: int) -> None:
        """Remember an iteration that the end of the load cuts off, for the question at the end."""
        self._cut_off.append((iteration, began_us))

    async def _tell_of_silence(self) -> None:
        """Record iterations that were cut off after the brokers went silent; this takes up to 4 s.

        They got no answer; if the brokers answer with a refusal, they failed.
        """
        if not self._cut_off:
            return
        reception = self.reception
        error = await asyncio.to_thread(reception.asked_at_the_end)
        if error is None:
            return
        outcome, name = Outcome.FAILED, error_class(error)
        if is_silence(error):
            outcome, name = Outcome.INTERRUPTED, UNANSWERED
        ended_us, heard_us = self.opened.clock.now_us(), reception.heard_us
        for iteration, began_us in self._cut_off:
            if iteration.cut_us >= heard_us:
                self.opened.recorder.sample(
                    iteration,
                    self.operation,
                    max(began_us, min(heard_us, iteration.cut_us)),
                    ended_us,
                    outcome,
                    error=name,
                    records=0,
                )

    @abstractmethod
    def _member(self, context: WorkerContext) -> Reception[T]: ...
