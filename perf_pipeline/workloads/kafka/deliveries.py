"""Delivery reports: a thread serves the producer, timestamps each report and hands it to the loop.

The thread takes the timestamp, so that a busy event loop is not counted as the broker's latency.
Add here: something that every producing workload needs. Keep out: making messages.
"""

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from perf_pipeline.config.kafka_client import kafka_settings, shown_brokers
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.workloads.kafka.first_look import require_topic

ClientSettings = Mapping[str, str | int | float | bool]
"""Properties of librdkafka that a scenario sets beside those of every producer."""
NO_SETTINGS: Final[ClientSettings] = MappingProxyType({})
READY_S: Final = 8.0

_POLL_S: Final = 0.1
# Nothing begins until the statistics show the producer id; later ones are skipped in microseconds.
_STATISTICS_MS: Final = 100
_PAUSE_S: Final = 0.01
# librdkafka (2.16) forgets its request for the id when the first connection is replaced by that of
# a named broker, and asks again after 0.5 s or with the next metadata.
_ASK_AGAIN_S: Final = 0.05
# The key under which confluent-kafka stores librdkafka's error on a message that was not queued.
_REFUSAL: Final = "_error"


class Reported(Protocol):
    """Receive a delivery report on the event loop."""

    def settle(self) -> None:
        """Act on the report; this runs on the loop."""
        ...


Report = Callable[[KafkaError | None, Message], None]
Batch = list[dict[str, Any]]
"""Messages as confluent-kafka's `produce_batch` takes them: `key` and `value`."""


class DeliveryThread:
    """Serve one producer, which by default is idempotent: `acks=all`, in order, no duplicates.

    Args:
        brokers: bootstrap servers.
        linger_ms: how long the client waits for a batch to fill.
        timeout_ms: the longest time from the produce call to the delivery report.
        settings: the scenario's settings for librdkafka, which take precedence.
    """

    def __init__(
        self,
        brokers: str,
        *,
        linger_ms: int,
        timeout_ms: int,
        settings: ClientSettings = NO_SETTINGS,
    ) -> None:
        self._brokers = brokers
        self._loop = asyncio.get_running_loop()
        self._fresh: deque[Reported] = deque()
        self._is_scheduled = False
        self._stop = threading.Event()
        self._has_id = threading.Event()
        self._has_lost_all = False
        self.producer = Producer(
            {
                **kafka_settings(brokers),
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": linger_ms,
                "message.timeout.ms": timeout_ms,
                **settings,
                "statistics.interval.ms": _STATISTICS_MS,
                "stats_cb": self._on_statistics,
                "error_cb": self._on_error,
                "log_level": 0,
            }
        )
        if not settings.get("enable.idempotence", True):
            self._has_id.set()  # there is no id to wait for
        self._thread = threading.Thread(target=self._serve, name="kafka-deliveries", daemon=True)

    def open(self, topic: str) -> None:
        """Start, and wait for the topic's metadata and the producer id; this blocks for up to 16 s.

        Otherwise the first burst would wait half a second for the id. Nothing is produced.

        Raises:
            TargetUnavailableError: no broker answers, the topic does not exist, or there is no
                producer id within 8 s.
        """
        self._thread.start()
        require_topic(self.producer, self._brokers, topic)
        give_up_s = time.monotonic() + READY_S
        while not self._has_id.wait(_ASK_AGAIN_S):
            if time.monotonic() > give_up_s:
                raise TargetUnavailableError(
                    f"the brokers {shown_brokers(self._brokers)} did not give a producer id "
                    "within 8 s",
                    hint="idempotent producing needs InitProducerId: Kafka 0.11 or newer, and the "
                    "ACL for it",
                )
            require_topic(self.producer, self._brokers, topic)

    def close(self, timeout_s: float) -> None:
        """Wait for outstanding reports, then stop; after the timeout, missing reports are dropped.

        It waits for at most a second if no broker is left that could send a report.
        """
        deadline = time.monotonic() + (1.0 if self._has_lost_all else timeout_s)
        while len(self.producer) and time.monotonic() < deadline:
            time.sleep(_PAUSE_S)
        self.producer.purge()
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def hand_over(self, report: Reported) -> None:
        """Settle a report on the loop, which many reports wake once; only the thread calls this."""
        self._fresh.append(report)
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        # Clear the flag first: a report that arrives after this schedules the loop again.
        self._is_scheduled = False
        while self._fresh:
            self._fresh.popleft().settle()

    def _serve(self) -> None:
        while not self._stop.is_set():
            self.producer.poll(_POLL_S)

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - as below
            self._has_lost_all = True

    def _on_statistics(self, text: str) -> None:
        # Only the statistics show when there is a producer id (librdkafka 2.x, STATISTICS.md).
        if self._has_id.is_set() and not self._has_lost_all:
            return
        told = json.loads(text)
        if any(broker["state"] == "UP" for broker in told["brokers"].values()):
            self._has_lost_all = False
        if told.get("eos", {}).get("idemp_state") == "Assigned":
            self._has_id.set()


def queue_batch(producer: Producer, topic: str, messages: Batch, report: Report) -> Batch:
    """Hand a batch to the client's queue, and return the messages that did not fit.

    Raises:
        KafkaException: a message was refused for another reason; some may have been queued.
    """
    producer.produce_batch(topic, messages, on_delivery=report)
    left = [message for message in messages if _REFUSAL in message]
    refusals: list[KafkaError] = [message.pop(_REFUSAL) for message in left]
    for refusal in refusals:
        if refusal.code() != KafkaError._QUEUE_FULL:  # noqa: SLF001 - librdkafka's own codes have this name in the public API
            raise KafkaException(refusal)
    return left
