"""Read the settings of a topic: how large messages may be, and how long they are kept.

Add here: another setting by which brokers refuse or remove messages. Keep out: making topics and
fixing positions (topics.py).
"""

from collections.abc import Mapping
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not in its __all__
    ConfigEntry,
    ConfigResource,
)

from perf_pipeline.config.kafka_client import bootstrap_servers
from perf_pipeline.errors import TargetUnavailableError
from perf_pipeline.units import US_PER_MS, format_duration
from perf_pipeline.workloads.kafka.errors import cause, is_silence
from perf_pipeline.workloads.kafka.topics import (
    TIMEOUT_S,
    admin_of,
    explained,
    require_existing,
)

_POLICY: Final = "cleanup.policy"
_COMPACT: Final = "compact"
_DELETE: Final = "delete"
_MOST_BYTES: Final = "max.message.bytes"
_RETENTION: Final = "retention.ms"
_NAMED: Final = "or name another topic in the profile"


def require_kept_messages(brokers: str, topic: str, for_us: int) -> None:
    """Refuse a topic that removes messages before they can be consumed.

    If the settings of the topic can't be read, nothing is refused.

    Args:
        brokers: bootstrap servers.
        topic: the topic of the messages.
        for_us: how long after producing it a message may still be consumed.

    Raises:
        TargetUnavailableError: the topic is compacted, or deletes messages sooner, or the brokers
            do not answer.
    """
    settings = _settings(brokers, topic)
    where = f"the topic {topic} on {bootstrap_servers(brokers)}"
    policy = _text(settings, _POLICY)
    if _COMPACT in policy:
        raise TargetUnavailableError(
            f"{where} has {_POLICY}={policy}: messages that compaction removes before they are "
            "consumed would look lost",
            hint=f"set {_POLICY}=delete for it, {_NAMED}",
        )
    retention_us = _kept_us(settings)
    if _DELETE in policy and retention_us is not None and retention_us < for_us:
        raise TargetUnavailableError(
            f"{where} has {_RETENTION}={_text(settings, _RETENTION)}, and its messages may be "
            f"consumed up to {format_duration(for_us)} after they were produced: those that the "
            "brokers delete before would look lost",
            hint=f"set {_RETENTION} to at least {for_us // US_PER_MS} for it, {_NAMED}",
        )


def is_compacted(brokers: str, topic: str) -> bool:
    """Say whether compaction removes messages of a topic; False if the brokers don't say.

    Raises:
        TargetUnavailableError: the brokers do not answer.
    """
    return _COMPACT in _text(_settings(brokers, topic), _POLICY)


def most_message_bytes(brokers: str, topic: str) -> int | None:
    """Return how large a batch of a topic may be; None if the brokers don't say.

    Raises:
        TargetUnavailableError: the brokers do not answer, or have no such topic.
    """
    require_existing(brokers, topic)
    found = _text(_settings(brokers, topic), _MOST_BYTES)
    return int(found) if found.isdecimal() else None


def _settings(brokers: str, topic: str) -> Mapping[str, ConfigEntry]:
    """Return the settings of a topic, including those of the cluster; empty if unknown."""
    # The client has to outlive the request: without it the answer never comes.
    admin, resource = admin_of(brokers), ConfigResource(ConfigResource.Type.TOPIC, topic)
    with explained(brokers, f"reading the settings of {topic}"):
        try:
            asked = admin.describe_configs([resource], request_timeout=TIMEOUT_S)
            found: Mapping[str, ConfigEntry] = asked[resource].result(TIMEOUT_S)
        except KafkaException as error:
            if is_silence(cause(error)):
                raise
            return {}
    return found


def _text(settings: Mapping[str, ConfigEntry], name: str) -> str:
    return str(settings[name].value) if name in settings else ""


def _kept_us(settings: Mapping[str, ConfigEntry]) -> int | None:
    """Return how long messages are kept; None if there is no limit, or it can't be read."""
    try:
        kept_ms = int(_text(settings, _RETENTION))
    except ValueError:
        return None
    return kept_ms * US_PER_MS if kept_ms >= 0 else None
