"""Check the brokers and the topic before anything is produced or consumed.

Add here: another check before a client is used. Keep out: making clients.
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
        context: the worker's context, with its brokers and the parameter `allowed`, the hosts that
            its target allows.

    Raises:
        TargetNotAllowedError: a broker advertises such a host; the message names it.
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
    """Fetch a topic's metadata, and so connect as well.

    The topic is requested by name only once it is known to exist: a producer's request would create
    it if brokers auto-create, unlike a consumer's.

    Raises:
        TargetUnavailableError: no broker answers within 8 s, or the topic does not exist.
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
