"""Topics of tests' own, made and removed again.

Add here: another administrative step that several tests take. Keep out: what the product does.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import uuid4

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not in __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)

from perf_pipeline.config.kafka_client import kafka_settings
from perf_pipeline.workloads.kafka.topics import ensure_topic

TIMEOUT_S: Final = 8.0


@contextmanager
def own_topic(brokers: str, kind: str, partitions: int) -> Iterator[str]:
    """Give the name of a new topic, which is there until the block ends."""
    name = f"test-{kind}-{uuid4().hex[:8]}"
    assert ensure_topic(brokers, name, partitions) == partitions
    try:
        yield name
    finally:
        delete_topic(brokers, name)


@contextmanager
def consumed_topic(brokers: str, kind: str, partitions: int) -> Iterator[dict[str, Any]]:
    """Give the parameters of a consumer of a new topic, whose group has no position yet."""
    with own_topic(brokers, kind, partitions) as topic:
        yield {
            "brokers": brokers,
            "topic": topic,
            "group": f"group-of-{topic}",
            "run": "r1/queue",
            "commit_interval_us": 100_000,
        }


def set_in_topic(brokers: str, topic: str, name: str, value: str) -> None:
    """Change a setting of a topic."""
    setting = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[setting])
    admin = AdminClient(kafka_settings(brokers))
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(TIMEOUT_S)


def delete_topic(brokers: str, topic: str) -> None:
    """Remove a topic with its messages and wait until it is gone; a missing one is no error."""
    admin = AdminClient(kafka_settings(brokers))
    if topic not in admin.list_topics(timeout=TIMEOUT_S).topics:
        return
    admin.delete_topics([topic], operation_timeout=TIMEOUT_S)[topic].result(TIMEOUT_S)
    until_s = time.monotonic() + TIMEOUT_S
    while topic in admin.list_topics(timeout=TIMEOUT_S).topics:
        assert time.monotonic() < until_s, f"{topic} is still there"
        time.sleep(0.05)
