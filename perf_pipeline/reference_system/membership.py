"""A worker's membership in its consumer group, and when a member that failed may rejoin.

librdkafka ends a member for good when another one has its `group.instance.id`. Where a broker was
away for longer than the session lasts, that other one may be the worker itself: it joins anew,
while a commit of before still waits to be sent again (librdkafka's issue 3437).
Add here: a setting of the consumer. Keep out: what is done with messages (worker.py).
"""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from perf_pipeline.reference_system.broker_errors import QUIET, BrokerErrors
from perf_pipeline.reference_system.settings import Settings

SESSION_MS: Final = 30_000
# Where the brokers share the work out (KIP-848), all of this is theirs to say.
_OF_CLIENTS: Final[Mapping[str, str | int]] = MappingProxyType(
    {
        "session.timeout.ms": SESSION_MS,
        "heartbeat.interval.ms": 3_000,
        "partition.assignment.strategy": "cooperative-sticky",
    }
)


def consumer_configuration(
    settings: Settings, log: logging.Logger
) -> dict[str, str | int | bool | BrokerErrors]:
    """Return the settings of a worker's consumer; they hold the password."""
    # A worker without an id leaves the group when it stops, so that the others take over at once;
    # with one (static membership) it finds its partitions again after a restart, even a kill -9.
    identity = {"group.instance.id": settings.worker_id} if settings.worker_id else {}
    is_of_brokers = str(settings.kafka.get("group.protocol", "")).lower() == "consumer"
    return {
        **settings.kafka,
        **({} if is_of_brokers else _OF_CLIENTS),
        "client.id": "birthday-worker",
        "group.id": settings.group,
        "auto.offset.reset": "earliest",
        # Commits what the worker has stored, also when partitions are revoked.
        "enable.auto.commit": True,
        "enable.auto.offset.store": False,
        "error_cb": BrokerErrors(log),
        **QUIET,
        "auto.commit.interval.ms": 200,
        # A member that joins before the topic is known again, as after a broker's restart, is
        # dealt no partition, and would look again only after five minutes.
        "topic.metadata.refresh.interval.ms": 5_000,
        "reconnect.backoff.max.ms": 1_000,
        **identity,
    }


class Renewals:
    """Decide whether a member that failed for good may rejoin: once per session timeout.

    Two workers of one id would otherwise put one another out of the group for ever.
    """

    def __init__(self) -> None:
        self._last_s: float | None = None

    def may(self, now_s: float) -> bool:
        """Say whether it may, and count it.

        >>> renewals = Renewals()
        >>> renewals.may(5.0), renewals.may(20.0), renewals.may(60.0)
        (True, False, True)
        """
        last_s, self._last_s = self._last_s, now_s
        return last_s is None or now_s - last_s > SESSION_MS / 1_000
