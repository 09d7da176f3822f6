"""Tell a topic that was deleted under load from brokers that do not answer.

A client holds what it was to produce back until it times out, also where the brokers answer and
only the topic is gone: to librdkafka one looks like the other.
Add here: another way in which a topic is gone. Keep out: topics before the load (topics.py).
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
_SILENT_S: Final = 0.3  # for brokers that did not answer when last asked
_AGAIN_S: Final = 1.0  # all VUs time out together, and ask once
_GONE_CODES: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNKNOWN_TOPIC_ID,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - librdkafka's own codes have this name in the public API
    }
)
_GONE: Final = frozenset(error_class(KafkaError(code)) for code in _GONE_CODES)


def note_if_deleted(context: WorkerContext, error: str) -> None:
    """Note that the topic was deleted while it was loaded, where the class of error says so."""
    if error in _GONE:
        where = bootstrap_servers(brokers_of(context))
        context.recorder.note(
            f"the topic {context.parameters['topic']} was deleted on the brokers {where} under load"
        )


class DeletedTopic:
    """Ask whether a topic is still there; from any thread.

    Args:
        brokers: with credentials.
        topic: its name; it was there before the load.
    """

    def __init__(self, brokers: str, topic: str) -> None:
        self._topic = topic
        self._lock = threading.Lock()
        self._admin = admin_of(brokers)
        self._waits_s = _ANSWER_S
        self._asked_s = -_AGAIN_S
        self._error = ""

    def error(self) -> str:
        """Return the class of error of a topic that is gone, empty for one that may be there.

        Asked before the load, it connects. Blocks for up to 1.5 s where nobody answers.
        """
        with self._lock:
            if time.monotonic() - self._asked_s >= _AGAIN_S:
                self._error = self._ask()
                self._asked_s = time.monotonic()
            return self._error

    def _ask(self) -> str:
        # A question by name that creates no topic, as that for metadata would.
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
