"""Check the brokers and the topic before anything is produced or consumed.

Add here: another thing to know before a client is used. Keep out: making clients.
"""

import asyncio
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from perf_pipeline.config.kafka_client import bootstrap_servers
from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.workloads.kafka.brokers import brokers_of
from perf_pipeline.workloads.kafka.errors import cause, unavailable

_METADATA_S: Final = 8.0


async def look_first(context: WorkerContext) -> None:
    """Refuse brokers that advertise a host which may not be loaded.

    Args:
        context: of the worker: its brokers, and parameter `allowed`, the hosts that its target
            allows.

    Raises:
        TargetNotAllowedError: names the place.
        TargetUnavailableError: no broker answers.
    """
    brokers = brokers_of(context)
    try:
        await asyncio.to_thread(require_listeners, brokers, context.parameters.get("allowed", ()))
    except TargetUnavailableError as error:
        shown = bootstrap_servers(brokers)
        raise TargetUnavailableError(
            f"asking where they are failed on the brokers {shown}: {error.sentence}",
            hint=error.hint,
        ) from error


def require_topic(client: Producer | Consumer, brokers: str, topic: str) -> None:
    """Fetch a topic's metadata, which also connects.

    It is asked for by name when it is known to be there: a producer's question would create it
    where brokers auto-create. A consumer's does not.

    Raises:
        TargetUnavailableError: no answer within 8 s, or no such topic.
    """
    what = f"reading the metadata of {topic}"
    try:
        is_there = isinstance(client, Consumer) or (
            topic in client.list_topics(timeout=_METADATA_S).topics
        )
        found = client.list_topics(topic, timeout=_METADATA_S).topics[topic] if is_there else None
    except KafkaException as error:
        raise unavailable(brokers, what, cause(error)) from error
    absent = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
    if (refusal := absent if found is None else found.error) is not None:
        raise unavailable(brokers, what, refusal)
