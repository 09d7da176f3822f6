"""Make the client of a consuming workload, with settings that differ from librdkafka's defaults.

Add here: a setting with its reason. Keep out: handling messages (reception.py).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from confluent_kafka import Consumer, KafkaError, TopicPartition

from perf_pipeline.config.kafka_client import is_of_brokers, kafka_settings
from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.workloads.kafka.brokers import brokers_of
from perf_pipeline.workloads.kafka.silence import SOCKET_TIMEOUT_MS

_SETTINGS: Final[Mapping[str, str | int | bool]] = MappingProxyType(
    {
        "socket.timeout.ms": SOCKET_TIMEOUT_MS,
        # This matters only to a group without a position, which benchmarks set before producing
        # starts.
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        # A topic may gain partitions: by default they would be found after five minutes, and their
        # messages would look lost until then.
        "topic.metadata.refresh.interval.ms": 5_000,
        "isolation.level": "read_committed",
        # With 100,000 messages queued, librdkafka stops fetching, and by default looks again only
        # after a second: a backlog is then read at 177,000 messages/s instead of 1,100,000.
        "fetch.queue.backoff.ms": 10,
        # A broker answers one request of a connection at a time, and an empty fetch takes 0.5 s by
        # default: each request at the end of a load would wait for that.
        "fetch.wait.max.ms": 100,
        "log_level": 0,
    }
)
# If the brokers assign partitions (KIP-848), they also decide these.
_OF_CLIENTS: Final[Mapping[str, str | int | bool]] = MappingProxyType(
    {"session.timeout.ms": 30_000, "heartbeat.interval.ms": 3_000}
)
_OPTIONAL: Final = (
    ("session_timeout_ms", "session.timeout.ms"),
    ("heartbeat_ms", "heartbeat.interval.ms"),
)


def consumer_of(
    context: WorkerContext,
    on_commit: Callable[[KafkaError | None, list[TopicPartition]], None],
) -> Consumer:
    """Make the client for a worker's member of a group; it connects when it is used.

    Args:
        context: the worker's context with the parameter `group`, and perhaps `session_timeout_ms`
            and `heartbeat_ms`, which only the classic protocol has.
        on_commit: a function that is called with each commit.
    """
    given, target = context.parameters, kafka_settings(brokers_of(context))
    own = {} if is_of_brokers(target) else _OF_CLIENTS
    return Consumer(
        {
            **_SETTINGS,
            **own,
            **target,
            "group.id": str(given["group"]),
            **{their: int(given[our]) for our, their in _OPTIONAL if own and our in given},
            "on_commit": on_commit,
        }
    )
