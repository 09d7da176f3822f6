"""Bring database and broker to the state that the other parts expect; harmless when run again.

With `--database-alone` no broker is needed, and none is asked.

Add here: what must exist before the first request. Keep out: test data.
"""

import logging
import os
import sys
import threading
from importlib import resources

import psycopg
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from perf_pipeline.reference_system.lifecycle import PartError, run_part
from perf_pipeline.reference_system.settings import Settings, read_settings

# Any constant will do as long as nobody else takes the same advisory lock: "bday" in ASCII.
_MIGRATION_LOCK = 0x62646179
_BROKER_TIMEOUT_S = 15.0
_DATABASE_ALONE = "--database-alone"

_log = logging.getLogger(__name__)


def apply_schema(postgres_dsn: str) -> None:
    """Apply schema.sql in one transaction; a second migration waits for the first.

    Raises:
        PartError: PostgreSQL does not answer or refuses.
    """
    schema = resources.files(__package__).joinpath("schema.sql").read_bytes()
    try:
        with psycopg.connect(postgres_dsn, connect_timeout=5) as connection:
            connection.execute("select pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            connection.execute(schema)
    except psycopg.Error as error:
        raise PartError(f"the schema could not be applied: {_one_line(error)}") from error
    _log.info("the schema is in place")


def create_topic(settings: Settings) -> None:
    """Create the topic unless it exists; an existing one keeps its partitions.

    Raises:
        PartError: the broker does not answer or refuses.
    """
    admin = AdminClient({**settings.kafka})
    topic = NewTopic(settings.topic, settings.partitions)
    future = admin.create_topics([topic], operation_timeout=_BROKER_TIMEOUT_S)[settings.topic]
    try:
        future.result(timeout=_BROKER_TIMEOUT_S)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise PartError(f"topic {settings.topic} could not be created: {error}") from error
    except TimeoutError as error:
        raise PartError(
            f"no broker at {settings.brokers} answered within {_BROKER_TIMEOUT_S:.0f} s"
        ) from error
    _log.info("topic %s is in place", settings.topic)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _migrate(_stop: threading.Event) -> int:
    is_database_alone = _DATABASE_ALONE in sys.argv[1:]
    settings = read_settings(os.environ, needs_brokers=not is_database_alone)
    apply_schema(settings.postgres_dsn)
    if not is_database_alone:
        create_topic(settings)
    return 0


def main() -> int:
    """Migrate and return the exit code."""
    return run_part("migrate", _migrate)


if __name__ == "__main__":
    sys.exit(main())
