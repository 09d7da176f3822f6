"""Notice that no broker answers any more, which a consumer's silence would hide.

A client that lost its broker receives nothing, like one whose topic is empty, and a broker that
is paused keeps its connections. So whoever has heard nothing for a while asks.
Add here: another sign of life. Keep out: what a failure does (kafka_reception).
"""

import time
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException

from perf_pipeline.workloads.kafka.errors import cause

# Requests without an answer hold back what comes after them on their connection.
SOCKET_TIMEOUT_MS: Final = 5_000
QUIET_S: Final = 3.0  # then it is asked
HICCUP_S: Final = 2.5  # a broker that answers within it is well
AGAIN_S: Final = 1.0  # for one that is known not to answer


class BrokerSilence:
    """Hold when the brokers of one client were heard last; to be used in its thread only.

    Attributes:
        is_known: nobody answered when last asked.
    """

    def __init__(self) -> None:
        self.is_known = False
        self._heard_s = time.monotonic()

    def heard(self) -> None:
        """Take what was received as a sign of life."""
        self._heard_s = time.monotonic()
        self.is_known = False

    def lasting(self, consumer: Consumer, topic: str) -> KafkaError | None:
        """Ask, where nothing was heard for 3 s; None where somebody answers.

        Blocks for up to 2.5 s where nobody does.
        """
        if time.monotonic() - self._heard_s < QUIET_S:
            return None
        try:
            consumer.list_topics(topic, timeout=AGAIN_S if self.is_known else HICCUP_S)
        except KafkaException as error:
            self.is_known = True
            return cause(error)
        self.heard()
        return None
