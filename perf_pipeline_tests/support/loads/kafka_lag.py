"""How far a group is behind on a topic, asked of the broker.

Add here: another question to a real broker that several tests ask. Keep out: assertions.
"""

from typing import Any

from perf_pipeline.workloads.kafka.topics import committed, watermarks


def lag(given: dict[str, Any]) -> int:
    """Give high watermark - committed offset, over all partitions."""
    positions = committed(given["brokers"], given["group"], given["topic"])
    marks = watermarks(given["brokers"], given["topic"])
    return sum(mark.high_watermark - (positions[mark.partition] or 0) for mark in marks)
