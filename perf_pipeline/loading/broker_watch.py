"""Check repeatedly during a load where the given brokers send their clients.

A Kafka client follows a broker that joins, or that advertises another address, as soon as it learns
of it, which is every few minutes or when a leader moves. So the load is ended as soon as this watch
learns of it. Add here: another thing to watch about brokers during a load. Keep out: checks before
a client exists (config/kafka_listeners.py), lag (probes/).
"""

import contextlib
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from perf_pipeline.config.kafka_listeners import require_listeners
from perf_pipeline.errors import TargetNotAllowedError, TargetUnavailableError
from perf_pipeline.loading.session import Session

INTERVAL_S: Final = 1.0
_LEAVE_S: Final = 5.0  # the longest time that a check in progress may take


class BrokerWatch:
    """Ask brokers in a separate thread until the block is left.

    Args:
        brokers: the bootstrap servers; None watches nothing.
        allowed: hosts that the target allows by name.
        interval_s: the time between two checks.

    Attributes:
        problem: one sentence if a broker sends clients elsewhere, else None.
    """

    def __init__(
        self, brokers: str | None, allowed: Sequence[str], interval_s: float = INTERVAL_S
    ) -> None:
        self.problem: str | None = None
        self._brokers = brokers
        self._allowed = tuple(allowed)
        self._interval_s = interval_s
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="broker-watch", daemon=True)

    def __enter__(self) -> Self:
        if self._brokers is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join(_LEAVE_S)

    def _look(self) -> None:
        assert self._brokers is not None
        while self.problem is None and not self._is_over.wait(self._interval_s):
            # The load's own operations show whether brokers are silent.
            with contextlib.suppress(TargetUnavailableError):
                try:
                    require_listeners(self._brokers, self._allowed, must_answer=False)
                except TargetNotAllowedError as error:
                    self.problem = error.sentence


def given_brokers(session: Session) -> str | None:
    """Return the brokers that were not started here; our own advertise loopback."""
    own = any(service.name == "broker" and not service.is_external for service in session.services)
    return None if own else session.target.brokers
