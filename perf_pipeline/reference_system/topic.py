"""Check whether the topic exists yet, for a worker that starts beside the migration.

Add here: another question about the topic. Keep out: making it (migrate.py), and its messages.
"""

import asyncio
import contextlib
from concurrent.futures import Executor

from confluent_kafka import Consumer, KafkaException

_POLL_S = 0.05
_METADATA_S = 1.0


async def await_topic(
    consumer: Consumer, topic: str, thread: Executor, stop: asyncio.Event
) -> None:
    """Wait until there is a topic to subscribe to, or `stop` is set.

    A consumer that subscribes before looks again only minutes later. Where nobody answers it is
    left to the consumer, which copes with that.
    """
    loop = asyncio.get_running_loop()
    while not (stop.is_set() or await loop.run_in_executor(thread, _is_there, consumer, topic)):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _POLL_S)


def _is_there(consumer: Consumer, topic: str) -> bool:
    try:
        found = consumer.list_topics(topic, timeout=_METADATA_S)
    except KafkaException:
        return True
    return found.topics[topic].error is None
