"""Topics that a test made, removed again.

Add here: another administrative step that several tests take. Keep out: what the product does.
"""

import time
from typing import Final

from confluent_kafka.admin import AdminClient

from perf_pipeline.config.kafka_client import kafka_settings

TIMEOUT_S: Final = 8.0


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
