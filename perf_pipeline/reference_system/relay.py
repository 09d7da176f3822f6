"""The relay: takes messages out of the outbox and hands them to the broker, at least once.

A row goes only after its delivery report. What is claimed stays locked in one transaction until
then, so that a relay that dies leaves its rows to the next. Run one relay: a second loses nothing,
but the order of one user's messages holds within one relay only.
Add here: what makes handing over faster or safer. Keep out: what a message says (messages.py).
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as BrokerMessage
from psycopg.rows import TupleRow

from perf_pipeline.reference_system.broker_errors import QUIET, BrokerErrors, is_for_good
from perf_pipeline.reference_system.lifecycle import run_part
from perf_pipeline.reference_system.messages import Message
from perf_pipeline.reference_system.patience import Patience
from perf_pipeline.reference_system.settings import Settings, read_settings

_BATCH = 500
# Messages are announced by NOTIFY; the poll only finds what an announcement missed.
_POLL_S = 0.25
_RETRY_S = 0.5
_GRACE_S = 3.0
_DELIVERY_TIMEOUT_MS = 30_000

_CLAIM = """
select id, message_id, user_id, message_type, scheduled_send_time, content
from outbox order by id limit %s for update skip locked
"""
_REMOVE = "delete from outbox where id = any(%s)"

_Connection = psycopg.Connection[TupleRow]
_Report = Callable[[int, KafkaError | None], None]
_log = logging.getLogger(__name__)


class Relay:
    """Forward the outbox until asked to stop, over restarts of database and broker.

    Args:
        settings: where database and broker are.
        stop: set when the relay shall end.
    """

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._producer = _new_producer(settings)
        self._producer_failed = False
        self._forwarded = 0

    def run(self) -> None:
        """Forward messages; comes back when asked to stop."""
        self._meet_broker()
        patience = Patience()
        while not self._stop.is_set():
            try:
                # Without saying so, a database in SQL_ASCII would give bytes in place of texts.
                with psycopg.connect(
                    self._settings.postgres_dsn,
                    connect_timeout=patience.seconds,
                    autocommit=True,
                    client_encoding="UTF8",
                ) as connection:
                    patience.was_enough()
                    _log.info("ready")
                    self._follow(connection)
            except psycopg.OperationalError as error:
                patience.failed(error)
                _log.warning("PostgreSQL: %s; trying again", " ".join(str(error).split()))
                self._stop.wait(_RETRY_S)
        _log.info("forwarded %d messages", self._forwarded)

    def _meet_broker(self) -> None:
        # The first message of a cold producer waits for metadata and a producer id: half a second.
        while not self._stop.is_set():
            try:
                self._producer.list_topics(self._settings.topic, timeout=1.0)
            except KafkaException as error:
                _log.warning("broker: %s; trying again", error)
            else:
                return

    def _follow(self, connection: _Connection) -> None:
        connection.execute("listen outbox")
        while not self._stop.is_set():
            if not self._forward_batch(connection):
                for _ in connection.notifies(timeout=_POLL_S, stop_after=1):
                    pass

    def _forward_batch(self, connection: _Connection) -> int:
        """Forward up to one batch and return the number of rows claimed."""
        with connection.transaction():
            rows = connection.execute(_CLAIM, (_BATCH,), prepare=True).fetchall()
            delivered = self._publish(rows) if rows else []
            if delivered:
                connection.execute(_REMOVE, (delivered,), prepare=True)
        self._forwarded += len(delivered)
        return len(rows)

    def _publish(self, rows: list[TupleRow]) -> list[int]:
        """Produce one message per row and return the ids of the rows that the broker has."""
        if self._producer_failed:
            self._producer = _new_producer(self._settings)
            self._producer_failed = False
        delivered: list[int] = []

        def report(row_id: int, error: KafkaError | None) -> None:
            if error is None:
                delivered.append(row_id)
                return
            _log.warning("broker: %s; the message stays in the outbox", error)
            # An idempotent producer is of no use any more after a fatal error.
            self._producer_failed = self._producer_failed or is_for_good(error)

        for row_id, *fields in rows:
            self._produce(row_id, Message(*fields), report)
        self._wait_for_reports()
        return delivered

    def _produce(self, row_id: int, message: Message, report: _Report) -> None:
        def on_delivery(error: KafkaError | None, _message: BrokerMessage) -> None:
            report(row_id, error)

        try:
            self._producer.produce(
                self._settings.topic,
                key=message.key(),
                value=message.to_json(datetime.now(UTC)),
                on_delivery=on_delivery,
            )
        except KafkaException as error:
            report(row_id, error.args[0])

    def _wait_for_reports(self) -> None:
        """Wait until every message is delivered or given up; not for long once asked to stop."""
        give_up_s = None
        while self._producer.flush(0.1):
            if self._stop.is_set():
                give_up_s = give_up_s or time.monotonic() + _GRACE_S
                if time.monotonic() > give_up_s:
                    _log.warning("the broker does not answer; what is left stays in the outbox")
                    return


def _new_producer(settings: Settings) -> Producer:
    return Producer(
        {
            **settings.kafka,
            "client.id": "birthday-relay",
            "enable.idempotence": True,
            "error_cb": BrokerErrors(_log),
            **QUIET,
            "linger.ms": 0,
            "message.timeout.ms": _DELIVERY_TIMEOUT_MS,
            # The default of 10 s is how long messages would wait after the broker is back.
            "reconnect.backoff.max.ms": 1_000,
        }
    )


def _relay(stop: threading.Event) -> int:
    relay = Relay(read_settings(os.environ, needs_brokers=True), stop)
    # In a thread, because a database that hangs would keep this one from ending.
    thread = threading.Thread(target=relay.run, daemon=True)
    thread.start()
    while thread.is_alive() and not stop.wait(0.2):
        pass
    thread.join(_GRACE_S + 1)
    if thread.is_alive():
        _log.warning("PostgreSQL does not answer; what is left stays in the outbox")
        return 0
    return 0 if stop.is_set() else 1


def main() -> int:
    """Forward messages until SIGTERM or SIGINT and return the exit code."""
    return run_part("relay", _relay)


if __name__ == "__main__":
    sys.exit(main())
