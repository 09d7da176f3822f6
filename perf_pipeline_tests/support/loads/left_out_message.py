"""A message that is in its topic and that a consumer is not shown.

Add here: another thing that a client could lose. Keep out: assertions.
"""

from collections.abc import Sequence

import pytest
from confluent_kafka import Message

from perf_pipeline.workloads.kafka.consume_ceiling import BatchReception, ReceivedBatch


def leave_out(patch: pytest.MonkeyPatch, offset: int) -> None:
    """Show a consumer of batches all messages but those of an offset."""
    accept = BatchReception.accept

    def without_it(
        self: BatchReception, messages: Sequence[Message], at_us: int
    ) -> list[ReceivedBatch]:
        shown = [
            message
            for message in messages
            if message.error() is not None or message.offset() != offset
        ]
        return accept(self, shown, at_us)

    patch.setattr(BatchReception, "accept", without_it)
