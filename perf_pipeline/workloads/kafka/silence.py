"""Notice that no broker answers any more, which a consumer's silence would hide.

A client that lost its broker receives nothing, like one whose topic is empty, and a broker that
is paused keeps its connections. So whoever has heard nothing for a while asks, and whoever still
waits at the end of a load asks once more. Both ask in the thread that serves the client: calls of
another one would wait for its poll.
Add here: another sign of life. Keep out: what a failure does (reception.py).
"""

import threading
import time
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException

from perf_pipeline.workloads.kafka.errors import cause, is_silence

# Requests without an answer hold back what comes after them on their connection.
SOCKET_TIMEOUT_MS: Final = 5_000
QUIET_S: Final = 3.0  # then it is asked
HICCUP_S: Final = 2.5  # a broker that answers within it is well
AGAIN_S: Final = 1.0  # for one that is known not to answer
_LEAST_S: Final = 0.1  # a question that is asked can be answered
LAST_ANSWER_S: Final = 4.0  # a question that was under way, and the last one
_TIMED_OUT: Final = KafkaError._TIMED_OUT  # noqa: SLF001 - librdkafka's own codes have this name in the public API


class BrokerSilence:
    """Hold when the brokers of one client were heard last; to be used in its thread only.

    Attributes:
        is_known: nobody answered when last asked.
    """

    def __init__(self) -> None:
        self.is_known = False
        self._heard_s = time.monotonic()
        self._ask_from_s = self._heard_s + QUIET_S

    @property
    def heard_s(self) -> float:
        """Return the time at which the brokers were last heard, in s of `time.monotonic`."""
        return self._heard_s

    def heard(self) -> None:
        """Take what was received as a sign of life."""
        self._heard_s = time.monotonic()
        self._ask_from_s = self._heard_s + QUIET_S
        self.is_known = False

    def lasting(self, consumer: Consumer, topic: str) -> KafkaError | None:
        """Ask, where nothing was heard for 3 s; None where somebody answers and has the topic.

        Blocks for up to 2.5 s if nobody does. A topic that is gone is reported once a second.
        """
        if time.monotonic() < self._ask_from_s:
            return None
        try:
            found = consumer.list_topics(topic, timeout=AGAIN_S if self.is_known else HICCUP_S)
        except KafkaException as error:
            self.is_known = True
            return cause(error)
        self.heard()
        problem: KafkaError | None = found.topics[topic].error
        if problem is not None:
            self._ask_from_s = self._heard_s + AGAIN_S
        return problem

    def at_the_end(self, consumer: Consumer, topic: str) -> KafkaError | None:
        """Ask for the topic, and the leaders of this member's partitions; None where all answer.

        For whoever still waits when a load is over. Blocks for up to 2.5 s, all questions together.
        """
        until_s = time.monotonic() + HICCUP_S
        try:
            found = consumer.list_topics(topic, timeout=HICCUP_S).topics[topic]
            problem: KafkaError | None = found.error
            if problem is not None:
                return problem
            known = [
                partition
                for partition in consumer.assignment()
                if partition.partition in found.partitions
            ]
            for place in {
                found.partitions[partition.partition].leader: partition for partition in known
            }.values():
                left_s = max(_LEAST_S, until_s - time.monotonic())
                if consumer.get_watermark_offsets(place, timeout=left_s) is None:
                    self.is_known = True
                    return KafkaError(_TIMED_OUT)
        except KafkaException as error:
            self.is_known = is_silence(cause(error))
            return cause(error)
        return None


class LastQuestion:
    """Let the event loop ask, at the end of a load, in the thread that serves a client."""

    def __init__(self) -> None:
        self._is_asked, self._is_answered = threading.Event(), threading.Event()
        self._answer: KafkaError | None = None

    @property
    def is_open(self) -> bool:
        """Say whether somebody waits for the answer."""
        return self._is_asked.is_set() and not self._is_answered.is_set()

    def ask(self) -> KafkaError | None:
        """Return what the brokers answered, None when all is well. Blocks for up to 4 s.

        A thread that hangs in a call to them has no answer either.
        """
        self._is_asked.set()
        if not self._is_answered.wait(LAST_ANSWER_S):
            return KafkaError(_TIMED_OUT)
        return self._answer

    def answer(self, error: KafkaError | None) -> None:
        """Answer the one who asked; called from the thread that serves the client."""
        self._answer = error
        self._is_answered.set()
