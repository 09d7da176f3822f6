"""Distinguish a topic that was deleted under load from brokers that do not answer.

A client keeps messages until they time out, even if the brokers answer and only the topic is gone;
librdkafka does not distinguish the two.
Add here: another way in which a topic can disappear. Keep out: topics before the load (topics.py).
"""

import threading
import time
from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection

from perf_pipeline.config.kafka_client import bootstrap_servers
from perf_pipeline.engine.ports import WorkerContext
from perf_pipeline.workloads.kafka.brokers import brokers_of
from perf_pipeline.workloads.kafka.errors import cause, error_class, is_silence
from perf_pipeline.workloads.kafka.topics import admin_of

_ANSWER_S: Final = 1.5
_SILENT_S: Final = 0.3  # how long not to ask brokers again that did not answer
_AGAIN_S: Final = 1.0  # all VUs time out at once, but only one asks
_GONE_CODES: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNKNOWN_TOPIC_ID,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - librdkafka's own codes have this name in the public API
    }
)
_GONE: Final = frozenset(error_class(KafkaError(code)) for code in _GONE_CODES)


def note_if_deleted(context: WorkerContext, error: str) -> None:
    """Note that the topic was deleted during the load, if the class of error says so."""
    if error in _GONE:
        where = bootstrap_servers(brokers_of(context))
        context.recorder.note(
            f"the topic {context.parameters['topic']} was deleted on the brokers {where} under load"
        )


class DeletedTopic:
    """Ask whether a topic still exists; any thread may do so.

    Args:
        brokers: the brokers, with credentials.
        topic: the name of the topic, which existed before the load.
    """

    def __init__(self, brokers: str, topic: str) -> None:
        self._topic = topic
        self._lock = threading.Lock()
        self._admin = admin_of(brokers)
        self._waits_s = _ANSWER_S
        self._asked_s = -_AGAIN_S
        self._error = ""

    def error(self) -> str:
        """Return the class of error if the topic is gone; empty if it may exist.

        Call it once before the load, so that it connects. It blocks for up to 1.5 s if no broker
        answers.
        """
        with self._lock:
            if time.monotonic() - self._asked_s >= _AGAIN_S:
                self._error = self._ask()
                self._asked_s = time.monotonic()
            return self._error

    def _ask(self) -> str:
        # This request names the topic without creating it, unlike a request for metadata.
        asked = self._admin.describe_topics(
            TopicCollection([self._topic]), request_timeout=self._waits_s
        )
        self._waits_s = _SILENT_S
        try:
            asked[self._topic].result(_ANSWER_S)
        except KafkaException as error:
            found = cause(error)
            if not is_silence(found):
                self._waits_s = _ANSWER_S
            return error_class(found) if found.code() in _GONE_CODES else ""
        except TimeoutError:
            return ""
        self._waits_s = _ANSWER_S
        return ""
