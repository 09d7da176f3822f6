"""Names of Kafka's errors for samples, and sentences about them for people.

Add here: a sentence for another kind of refusal. Keep out: retries, samples.
"""

from typing import Final

from confluent_kafka import KafkaError, KafkaException

from perf_pipeline.config.kafka_client import shown_brokers
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.metrics.sample import Outcome

_TIMEOUTS: Final = frozenset(
    {KafkaError._MSG_TIMED_OUT, KafkaError._TIMED_OUT, KafkaError._TIMED_OUT_QUEUE}  # noqa: SLF001 - librdkafka's own codes have this name in the public API
)


_SILENCE: Final = _TIMEOUTS | {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN}  # noqa: SLF001 - as above


def cause(error: KafkaException) -> KafkaError:
    """Return the error that an exception of confluent-kafka carries."""
    found = error.args[0] if error.args else None
    return found if isinstance(found, KafkaError) else KafkaError(KafkaError._FAIL, str(error))  # noqa: SLF001 - as above


def error_class(error: KafkaError) -> str:
    """Return librdkafka's name of an error as samples have it: `msg_timed_out`, `transport` ..."""
    return error.name().strip("_").lower()


def outcome_of(error: KafkaError) -> Outcome:
    """Say whether an error is a timeout or another failure."""
    return Outcome.TIMEOUT if error.code() in _TIMEOUTS else Outcome.FAILED


def is_silence(error: KafkaError) -> bool:
    """Say whether an error means that no broker answered."""
    return error.code() in _SILENCE


def unavailable(brokers: str, what: str, error: KafkaError) -> TargetUnavailableError:
    """Turn an error into one with a sentence: what was tried, where, and what the answer was."""
    return TargetUnavailableError(
        f"{what} failed on the brokers {shown_brokers(brokers)}: {error.str()} "
        f"({error_class(error)})",
        hint="start the brokers, or correct the addresses (PERF_KAFKA_BROKERS)",
    )
