"""Topics of a real cluster, and who leads them.

Add here: another thing to ask of a topic's partitions. Keep out: changing who leads, which is what
is tested.
"""

from functools import partial

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from perf_pipeline.config.kafka_client import at_servers, bootstrap_servers, kafka_settings
from perf_pipeline.stack.kafka_leaders import partition_leaders
from perf_pipeline_tests.support.commands.command_line import wait_until


def made(brokers: str, topic: str, partitions: int = 3, replicas: int = -1) -> str:
    """Make a topic, and return its name when all brokers know it."""
    admin = AdminClient({**kafka_settings(brokers)})
    wanted = NewTopic(topic, partitions, replication_factor=replicas)
    admin.create_topics([wanted])[topic].result(timeout=30)
    # The controller knows it a moment before all brokers do.
    for server in bootstrap_servers(brokers).split(","):
        wait_until(partial(_has, at_servers(brokers, server), topic, partitions), 30.0)
    return topic


def leaders(brokers: str, topic: str) -> list[int]:
    """Return who leads each partition."""
    return [it.leader for it in partition_leaders(brokers, topic)]


def orders(brokers: str, topic: str) -> list[tuple[int, ...]]:
    """Return the replicas of each partition, the preferred leader first."""
    return [it.replicas for it in partition_leaders(brokers, topic)]


def _has(broker: str, topic: str, partitions: int) -> bool:
    return len(partition_leaders(broker, topic)) == partitions
