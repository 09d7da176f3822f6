"""Hold what a source of deliveries saw: which message was completed, when, and by which clock.

Add here: another fact about one completion. Keep out: reading sources (workloads/) and matching
them with what was promised (loading/).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from perf_pipeline.units import US_PER_MS, US_PER_S


@dataclass(frozen=True, slots=True)
class Completion:
    """Record that a message was completed; several of one message are duplicates.

    Attributes:
        message_id: the text that was promised.
        at_us: when; µs since 1970 by the clock of the source, or by ours.
        is_ours: `at_us` is on our monotonic clock, in µs, and needs no correction.
        slack_us: it may have happened up to so much earlier, because nobody looked meanwhile.
    """

    message_id: str
    at_us: int
    is_ours: bool = False
    slack_us: int = 0


class DeliverySource(Protocol):
    """Tell where a system shows its deliveries; used by one thread.

    Attributes:
        oddities: what could not be used, one sentence each; filled while it reads.
    """

    oddities: list[str]

    def require(self) -> None:
        """See before a load that it can be read. Raises: TargetUnavailableError."""
        ...

    def begin(self) -> None:
        """Begin to look, right before the load. Raises: TargetUnavailableError."""
        ...

    def read(self, message_ids: Collection[str]) -> list[Completion]:
        """Return what was completed so far of these messages; others may be among them.

        Raises:
            TargetUnavailableError: it does not answer.
        """
        ...

    def end(self) -> None:
        """Let go of everything."""
        ...


def moment_us(value: object) -> int | None:
    """Read ISO 8601 (UTC where it names no zone), or milliseconds since 1970, in µs.

    >>> moment_us("1970-01-01T00:00:01Z"), moment_us(2), moment_us("soon")
    (1000000, 2000, None)
    """
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdecimal():
            moment = datetime.fromisoformat(value)
            return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * US_PER_S)
        return round(float(value) * US_PER_MS) if isinstance(value, str | int | float) else None
    except (ValueError, OverflowError):
        return None
