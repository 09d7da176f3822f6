"""Copy a topic for a comparison, and remove the copies in a small process whatever happens.

The process knows only their names: it waits until it is asked to end, by a comparison or by the
guard of a comparison that was killed, and then deletes them.
Add here: something else that a copy takes over from its topic. Keep out: load, and consumers.
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
    """Create empty topics with the partitions, replicas and settings of another topic.

    Raises:
        TargetUnavailableError: the brokers do not answer, refuse, or have no such topic.
    """
    admin = admin_of(brokers)
    with explained(brokers, f"copying the topic {original}"):
        # Ask for all topics: if brokers auto-create, asking by name would create a missing one.
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
    """Return the settings that were made for this topic alone."""
    resource, admin = ConfigResource(ConfigResource.Type.TOPIC, topic), admin_of(brokers)
    asked = admin.describe_configs([resource], request_timeout=TIMEOUT_S)
    found = asked[resource].result(TIMEOUT_S)
    own = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    return {name: str(entry.value) for name, entry in found.items() if entry.source == own}


def delete_copies(brokers: str, copies: Sequence[str]) -> None:
    """Delete topics; a topic that does not exist is not an error.

    Raises:
        TargetUnavailableError: the brokers do not answer, or refuse.
    """
    admin = admin_of(brokers)  # the client has to outlive its request
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
