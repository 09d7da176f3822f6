"""The consumers that a profile defines: their group, their work, and message ids if there are any.

Parameters: `own` (those of the profile), `topic`, `group`, `brokers`, `allowed`, and perhaps `ends`
(where each partition ended before the benchmark). Secret: `brokers` with credentials. Concurrency
is the number of VUs.
Add here: something that only these consumers do. Keep out: group protocol and commits
(reception.py), and the work itself (consume.py).
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from confluent_kafka import Message

from perf_pipeline.config.own_topics import OwnConsumeParameters
from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.message_ids import text_of_id
from perf_pipeline.metrics.sample import Outcome
from perf_pipeline.workloads.kafka.consume import ConsumeMessages, ReadId
from perf_pipeline.workloads.kafka.message_places import reader_of

REBALANCE: Final = "rebalance"


class OwnConsume(ConsumeMessages):
    """Work on one message per iteration, in the profile's own group; rebalances are samples, too.

    A message without an id, such as the tombstone of a compacted topic, is worked on and counted,
    but is not in the ledger. Nor is one from before the benchmark: a new message may have its id.
    """

    checks: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    async def open(self, context: WorkerContext) -> None:
        """Join the group; messages flow from the first iteration on.

        Raises:
            TargetUnavailableError: no broker answers, the topic does not exist, or there is no
                assignment.
            TargetNotAllowedError: a broker advertises a host that may not be loaded.
        """
        own = OwnConsumeParameters.model_validate(context.parameters["own"])
        ends = context.parameters.get("ends", {})
        self.read_id = id_reader(own.message_id, {int(at): end for at, end in ends.items()})
        self._last: Iteration | None = None
        given = {
            **context.parameters,
            "work_us": own.work_us,
            "commit_interval_us": own.commit_interval_us,
        }
        await super().open(replace(context, parameters=given))

    async def iterate(self, iteration: Iteration) -> None:
        """Take one message, work, and record it as completed."""
        self._last = iteration
        try:
            await super().iterate(iteration)
        finally:
            self._record_rebalances(iteration)

    async def close(self) -> None:
        """Record the last rebalances, commit, and leave the group."""
        if self._last is not None:
            self._record_rebalances(self._last)
        await super().close()

    def _record_rebalances(self, iteration: Iteration) -> None:
        for began_us, ended_us in self.reception.rebalances.taken():
            self.opened.recorder.sample(
                iteration,
                REBALANCE,
                began_us,
                ended_us,
                Outcome.OK,
                intended_us=began_us,
                records=0,
            )


def id_reader(place: str | None, ends: Mapping[int, int]) -> ReadId:
    """Return a function that reads the id of a message; a message without an id is no fault.

    Args:
        place: `header:NAME`, or a JSON path into the value; None if messages have no ids.
        ends: by partition, the offset before which the id of a message is not read.
    """
    if place is None:
        return lambda _: ("", "")
    read = reader_of(place)

    def read_id(message: Message) -> tuple[str, str]:
        partition, offset = message.partition(), message.offset()
        assert partition is not None, "a message has its place"
        assert offset is not None, "a message has its place"
        is_old = offset < ends.get(partition, 0)
        return "" if is_old else text_of_id(read(message)), ""

    return read_id
