"""The queue's consuming side: a VU takes a message, works on it for a while, and finishes it.

Parameters (JSON): `brokers`, `topic`, `group`, `work_us` (least and most simulated work,
uniform), `commit_interval_us`; `session_timeout_ms`, `heartbeat_ms`. Concurrency is the number
of VUs. A sample's intended start is when the message was received, its start when a VU took it,
so busy time over VUs x time is the consumer's utilisation.
Add here: another kind of work. Keep out: group protocol and commits (kafka_reception).
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from perf_pipeline.engine.ports import Iteration, WorkerContext
from perf_pipeline.metrics.sample import LedgerEntry, LedgerEvent, Outcome
from perf_pipeline.units import US_PER_MS
from perf_pipeline.workloads.kafka_reception import Received, Reception

WORK_US: Final = (0, 10 * US_PER_MS)
COMMIT_INTERVAL_US: Final = 500 * US_PER_MS
UNREADABLE: Final = "unreadable"

_FINISH_MARGIN_US: Final = 100 * US_PER_MS
_OPTIONAL_SETTINGS: Final = (
    ("session_timeout_ms", "session.timeout.ms"),
    ("heartbeat_ms", "heartbeat.interval.ms"),
)


class ConsumeMessages:
    """Work on one message per iteration; waiting for one is idle time and no sample."""

    protocol = "kafka"
    checks: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    operation = "consume"

    def __init__(self) -> None:
        self._context: WorkerContext | None = None
        self._reception: Reception | None = None
        self._work_us = WORK_US

    async def open(self, context: WorkerContext) -> None:
        """Join the group; messages flow from the first iteration on.

        Raises:
            TargetUnavailableError: no answer, no such topic, or no assignment.
        """
        self._context = context
        given = context.parameters
        low_us, high_us = given.get("work_us", WORK_US)
        self._work_us = (int(low_us), int(high_us))
        settings: dict[str, str | int | bool] = {
            "bootstrap.servers": str(given["brokers"]),
            "group.id": str(given["group"]),
        }
        settings |= {
            theirs: int(given[ours]) for ours, theirs in _OPTIONAL_SETTINGS if ours in given
        }
        self._reception = Reception(
            settings,
            str(given["topic"]),
            context.clock,
            commit_interval_us=int(given.get("commit_interval_us", COMMIT_INTERVAL_US)),
            finish_us=self._work_us[1] + _FINISH_MARGIN_US,
        )
        try:
            await self._reception.open()
        except BaseException:
            await self.close()
            raise

    async def iterate(self, iteration: Iteration) -> None:
        """Take one message, work, and record it as completed."""
        assert self._context is not None, "open comes first"
        assert self._reception is not None, "open comes first"
        received = await self._reception.take()
        started_us = self._context.clock.now_us()
        if received.error:
            self._reception.abandoned(received)
            self._record(iteration, received, started_us, Outcome.FAILED, received.error)
            return
        try:
            message_id = _message_id(received.value)
            work_us = iteration.random.randint(*self._work_us)
            await self._context.clock.sleep_until_us(started_us + work_us)
        except BaseException:
            self._reception.abandoned(received)
            self._record(iteration, received, started_us, Outcome.INTERRUPTED)
            raise
        # First written down, then offered for commit: never committed and unknown.
        if message_id is None:
            self._record(iteration, received, started_us, Outcome.FAILED, UNREADABLE)
        else:
            ended_us = self._record(iteration, received, started_us, Outcome.OK)
            entry = LedgerEntry(message_id, LedgerEvent.COMPLETED, ended_us)
            self._context.recorder.ledger(entry)
        self._reception.finished(received)

    async def close(self) -> None:
        """Commit what is finished and leave the group."""
        if self._reception is not None:
            await self._reception.close()

    def _record(
        self,
        iteration: Iteration,
        received: Received,
        started_us: int,
        outcome: Outcome,
        error: str = "",
    ) -> int:
        assert self._context is not None, "open comes first"
        ended_us = self._context.clock.now_us()
        self._context.recorder.sample(
            iteration,
            self.operation,
            started_us,
            ended_us,
            outcome,
            intended_us=received.at_us,
            error=error,
            bytes_in=len(received.value or b""),
            records=1 if outcome is Outcome.OK else 0,
        )
        return ended_us


def _message_id(value: bytes | None) -> str | None:
    try:
        found = json.loads(value or b"")["messageId"]
    except (ValueError, TypeError, KeyError):
        return None
    return found if isinstance(found, str) else None
