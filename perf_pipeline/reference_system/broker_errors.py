"""Log a line now and then while the broker is away, not twenty a second.

librdkafka tries to connect every 50 ms and logs every failure; its own log is therefore off
(`QUIET`), and its errors come here.
Add here: how another kind of error is recognised and logged. Keep out: decisions about what to do
then.
"""

import logging
import time
from collections.abc import Mapping
from types import MappingProxyType

from confluent_kafka import KafkaError

# Syslog's "critical": failed connections are "error".
QUIET: Mapping[str, int] = MappingProxyType({"log_level": 2})
_REPEAT_S = 5.0


class BrokerErrors:
    """Log the errors of one client (its `error_cb`), each kind at most every five seconds."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._again_s: dict[int, float] = {}

    def __call__(self, error: KafkaError) -> None:
        """Log an error unless one of its kind was logged a moment ago."""
        now_s = time.monotonic()
        if now_s >= self._again_s.get(error.code(), 0.0):
            self._again_s[error.code()] = now_s + _REPEAT_S
            self._log.warning("broker: %s; trying again", error.str())


def is_for_good(error: KafkaError) -> bool:
    """Say whether the client that had this error is of no use any more.

    `fatal()` is false of such an error as a message brings it (confluent-kafka 2.16, issue 869).

    >>> error = KafkaError(KafkaError._FATAL)
    >>> error.fatal(), is_for_good(error), is_for_good(KafkaError(KafkaError._TRANSPORT))
    (False, True, False)
    """
    return error.fatal() or error.code() == KafkaError._FATAL  # noqa: SLF001 (it is documented so)
