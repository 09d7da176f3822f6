"""A consumer whose group shares its partitions anew while messages are collected.

It takes nothing from this member, which is the rebalance that goes back in every partition.
Add here: another moment at which a group may do so. Keep out: assertions.
"""

from typing import Any

import pytest
from confluent_kafka import Consumer, Message

from perf_pipeline.workloads.kafka import reception
from perf_pipeline.workloads.kafka.consumer_client import consumer_of

REBALANCES = 12


def rebalance_amid(patch: pytest.MonkeyPatch) -> None:
    """Let a rebalance run in every second call of `consume`, before or after it collects."""
    patch.setattr(reception, "consumer_of", lambda *given: _Amid(consumer_of(*given)))


class _Amid:
    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._on_revoke: Any = None
        self._calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)

    def subscribe(self, topics: list[str], *, on_revoke: Any, **others: Any) -> None:
        self._on_revoke = on_revoke
        self._consumer.subscribe(topics, on_revoke=on_revoke, **others)

    def consume(self, messages: int, *, timeout: float) -> list[Message]:
        self._calls += 1
        is_amid = self._calls % 2 == 0 and self._calls <= 2 * REBALANCES
        is_before = self._calls % 4 == 0
        if is_amid and is_before:
            self._on_revoke(self._consumer, [])
        found = self._consumer.consume(messages, timeout=timeout)
        if is_amid and not is_before:
            self._on_revoke(self._consumer, [])
        return found
