"""What every consuming workload shares: joining the group before the load, leaving it after.

Add here: what a further way of consuming would repeat. Keep out: the group protocol
(kafka_reception), and what is done with messages.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.workloads.kafka.first_look import look_first
from perf_pipeline.workloads.kafka.reception import Reception

R = TypeVar("R", bound=Reception[Any])


class Consuming(ABC, Generic[R]):
    """Hold a member of the group, one in each worker."""

    protocol = "kafka"
    checks: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def __init__(self) -> None:
        self._context: WorkerContext | None = None
        self._reception: R | None = None

    @property
    def opened(self) -> WorkerContext:
        """Give the context; `open` comes first."""
        assert self._context is not None, "open comes first"
        return self._context

    @property
    def reception(self) -> R:
        """Give what messages come from; `open` comes first."""
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
        """Commit what is finished and leave the group."""
        if self._reception is not None:
            await self._reception.close()

    @abstractmethod
    def _member(self, context: WorkerContext) -> R: ...
