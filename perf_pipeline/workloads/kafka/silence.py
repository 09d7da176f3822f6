"""Notice when brokers stop answering, which a consumer alone would not show.

A client that lost its broker receives nothing, just like a client whose topic is empty, and a
paused broker keeps its connections. So a client that has heard nothing for a while asks, and one
that still waits at the end of a load asks once more. Both ask in the thread that serves the client,
because calls of another thread would wait for its poll.
Add here: another sign of life. Keep out: what a failure does (reception.py).
"""

import threading
import time
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException

from perf_pipeline.workloads.kafka.errors import cause, is_silence

# Requests without an answer hold back later requests on the same connection.
SOCKET_TIMEOUT_MS: Final = 5_000
QUIET_S: Final = 3.0  # silence after which the brokers are asked
HICCUP_S: Final = 2.5  # a broker that answers within this time is fine
AGAIN_S: Final = 1.0  # for a broker that is known not to answer
_LEAST_S: Final = 0.1  # enough for the question to be asked and answered
LAST_ANSWER_S: Final = 4.0  # enough for a question that was in progress and for the last one
_TIMED_OUT: Final = KafkaError._TIMED_OUT  # noqa: SLF001 - librdkafka's own codes have this name in the public API


class BrokerSilence:
    """Track when a client's brokers were last heard from; only the client's thread may use it.

    Attributes:
        is_known: whether no broker answered the last question.
    """

    def __init__(self) -> None:
        self.is_known = False
        self._heard_s = time.monotonic()
        self._ask_from_s = self._heard_s + QUIET_S

    @property
    def heard_s(self) -> float:
        """Return when the brokers were last heard from, in s of `time.monotonic`."""
        return self._heard_s

    def heard(self) -> None:
        """Take received messages as a sign of life."""
        self._heard_s = time.monotonic()
        self._ask_from_s = self._heard_s + QUIET_S
        self.is_known = False

    def lasting(self, consumer: Consumer, topic: str) -> KafkaError | None:
        """Ask if nothing was heard for 3 s; None if a broker answers and has the topic.

        It blocks for up to 2.5 s if none does. A topic that is gone is reported once a second.
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
        """Ask for the topic and the leaders of this member's partitions; None if all answer.

        This is for members that still wait when a load is over. All questions together block for up
        to 2.5 s.
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
    """Let the event loop ask at the end of a load, through the thread that serves a client."""

    def __init__(self) -> None:
        self._is_asked, self._is_answered = threading.Event(), threading.Event()
        self._answer: KafkaError | None = None

    @property
    def is_open(self) -> bool:
        """Say whether somebody is waiting for the answer."""
        return self._is_asked.is_set() and not self._is_answered.is_set()

    def ask(self) -> KafkaError | None:
        """Return the error, or None if all is well; this blocks for up to 4 s.

        A thread that hangs in a call to the brokers counts as no answer.
        """
        self._is_asked.set()
        if not self._is_answered.wait(LAST_ANSWER_S):
            return KafkaError(_TIMED_OUT)
        return self._answer

    def answer(self, error: KafkaError | None) -> None:
        """Pass on the answer; the thread that serves the client calls it."""
        self._answer = error
        self._is_answered.set()
