"""Copies of a topic for a comparison, and the small process that removes them whatever happens.

The process holds nothing but their names: it waits until it is asked to end, by a comparison or by
the guard of one that was killed, and deletes them.
Add here: another thing that a copy takes over from its topic. Keep out: load, and consumers.
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not in __all__
    ConfigResource,
    ConfigSource,
)
from confluent_kafka.cimpl import NewTopic

from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.workloads.kafka.errors import cause
from perf_pipeline.workloads.kafka.topics import (
    TIMEOUT_S,
    admin_of,
    explained,
    no_topic,
    watermarks,
)

BROKERS_VARIABLE: Final = "PERF_TOPIC_COPIES_BROKERS"
READY: Final = "holding"
MODULE: Final = "perf_pipeline.workloads.kafka.topic_copies"
_ENDINGS: Final = (signal.SIGTERM, signal.SIGINT)


def copy_topic(brokers: str, original: str, copies: Sequence[str]) -> None:
    """Make empty topics with the partitions, the replicas and the settings of another one.

    Raises:
        TargetUnavailableError: the brokers do not answer, refuse, or have no such topic.
    """
    admin = admin_of(brokers)
    with explained(brokers, f"copying the topic {original}"):
        # All topics: one that is gone by now would be created where brokers auto-create.
        found = admin.list_topics(timeout=TIMEOUT_S).topics.get(original)
        if found is None or not found.partitions:
            raise no_topic(brokers, original)
        partitions = found.partitions.values()
        replicas = min(len(partition.replicas) for partition in partitions)
        settings = dict(_settings(brokers, original))
        wanted = [NewTopic(name, len(partitions), replicas, config=settings) for name in copies]
        for made in admin.create_topics(wanted, operation_timeout=TIMEOUT_S).values():
            made.result(TIMEOUT_S)
    for name in copies:
        watermarks(brokers, name)  # until every partition has a leader


def _settings(brokers: str, topic: str) -> Mapping[str, str]:
    """Return what is set for this topic alone."""
    resource, admin = ConfigResource(ConfigResource.Type.TOPIC, topic), admin_of(brokers)
    asked = admin.describe_configs([resource], request_timeout=TIMEOUT_S)
    found = asked[resource].result(TIMEOUT_S)
    own = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    return {name: str(entry.value) for name, entry in found.items() if entry.source == own}


def delete_copies(brokers: str, copies: Sequence[str]) -> None:
    """Delete topics; one that is not there is no error.

    Raises:
        TargetUnavailableError: the brokers do not answer, or refuse.
    """
    admin = admin_of(brokers)  # it has to outlive its question
    with explained(brokers, f"deleting the topics {', '.join(copies)}"):
        asked = admin.delete_topics(list(copies), operation_timeout=TIMEOUT_S)
        for gone in asked.values():
            try:
                gone.result(TIMEOUT_S)
            except KafkaException as error:
                if cause(error).code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise


def main(copies: Sequence[str]) -> int:
    """Wait until this process is asked to end, then delete the topics."""
    brokers = os.environ.pop(BROKERS_VARIABLE)
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
    sys.stdout.write(f"{READY} {' '.join(copies)}\n")
    sys.stdout.flush()
    signal.sigwait(_ENDINGS)
    try:
        delete_copies(brokers, copies)
    except TargetUnavailableError as error:
        sys.stderr.write(f"{error.sentence}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
