"""Delivery reports: a thread serves the producer, stamps each report and hands it to the loop.

The stamp is taken in the thread, so that a busy event loop does not become the broker's
latency. Add here: what every producing workload needs. Keep out: what is produced.
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
# Until they tell the producer id nothing begins; later ones are passed over in microseconds.
_STATISTICS_MS: Final = 100
_PAUSE_S: Final = 0.01
# librdkafka (2.16) forgets its question for the id where the first connection gives way to that of
# a named broker, and asks again after 0.5 s, or when it next has metadata.
_ASK_AGAIN_S: Final = 0.05
# Where confluent-kafka leaves what librdkafka said of a message that it did not queue.
_REFUSAL: Final = "_error"


class Reported(Protocol):
    """Receive a delivery report on the event loop."""

    def settle(self) -> None:
        """Act on the report; runs on the loop."""
        ...


Report = Callable[[KafkaError | None, Message], None]
Batch = list[dict[str, Any]]
"""Messages as confluent-kafka's `produce_batch` takes them: `key` and `value`."""


class DeliveryThread:
    """Serve one producer; without settings idempotent: `acks=all`, in order, nothing twice.

    Args:
        brokers: bootstrap servers.
        linger_ms: how long the client waits to fill a batch.
        timeout_ms: from the produce call to a delivery report, at most.
        settings: of the scenario, for librdkafka; they win.
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
            self._has_id.set()  # nobody gives it one
        self._thread = threading.Thread(target=self._serve, name="kafka-deliveries", daemon=True)

    def open(self, topic: str) -> None:
        """Start, and wait for the topic's metadata and the producer id; blocks up to 16 s.

        Without it the first burst would wait half a second for the id. Nothing is produced.

        Raises:
            TargetUnavailableError: no answer, no such topic, or no producer id in 8 s.
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
        """Wait for outstanding reports, then stop; those missing after the timeout are dropped.

        It waits for a second at most where no broker is left that could send one.
        """
        deadline = time.monotonic() + (1.0 if self._has_lost_all else timeout_s)
        while len(self.producer) and time.monotonic() < deadline:
            time.sleep(_PAUSE_S)
        self.producer.purge()
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def hand_over(self, report: Reported) -> None:
        """Settle a report on the loop; many reports wake the loop once. From the thread only."""
        self._fresh.append(report)
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        # First the flag: a report that arrives from here on schedules the loop again.
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
        # Only the statistics tell when the producer id is there (librdkafka 2.x, STATISTICS.md).
        if self._has_id.is_set() and not self._has_lost_all:
            return
        told = json.loads(text)
        if any(broker["state"] == "UP" for broker in told["brokers"].values()):
            self._has_lost_all = False
        if told.get("eos", {}).get("idemp_state") == "Assigned":
            self._has_id.set()


def queue_batch(producer: Producer, topic: str, messages: Batch, report: Report) -> Batch:
    """Hand a batch to the client's queue, and return what did not fit in.

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
