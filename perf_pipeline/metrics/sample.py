"""What is written down while a load runs: samples, iterations, readings, figures, ledger entries.

Add here: a column that a later percentile needs (and a migration in store/). Keep out:
anything derived; durations are computed later from the three time stamps.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final, NamedTuple

# Of one benchmark; the rarest beyond it count together (store/names.py).
MOST_OPERATIONS: Final = 1_000


class Phase(StrEnum):
    """Say whether a sample counts: only `measured` ones enter summaries."""

    WARM_UP = "warm-up"
    MEASURED = "measured"
    DRAIN = "drain"


class Outcome(StrEnum):
    """Say how an operation ended, seen from the load generator."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"


class HttpPhases(NamedTuple):
    """Split one HTTP request as k6 does, in µs; -1 = did not happen, or nobody measured it.

    A request on an open connection has 0 for the first three, as in k6, so that their averages
    are over all requests. sending + waiting + receiving = the service time of a request that was
    sent; one that never got a connection has -1 for these three.

    Attributes:
        blocked_us: waiting for a connection, the resolver included (k6's `http_req_blocked`).
        connecting_us: TCP handshake.
        tls_us: TLS handshake.
        sending_us: from the first to the last byte given to the kernel.
        waiting_us: from the last byte sent to the first byte received.
        receiving_us: from the first to the last byte received.
    """

    blocked_us: int = -1
    connecting_us: int = -1
    tls_us: int = -1
    sending_us: int = -1
    waiting_us: int = -1
    receiving_us: int = -1


NO_PHASES: Final = HttpPhases()


@dataclass(frozen=True, slots=True)
class Sample:
    """Record one operation of one iteration.

    All times are integer µs since the benchmark's origin, one monotonic clock for all workers.
    Derived: schedule lag = started - intended; service time = ended - started (k6's
    `http_req_duration`); response time = ended - intended, which a stall cannot hide.

    Attributes:
        scenario: name in the profile.
        protocol: `http`, `postgres` or `kafka`.
        vu: number of the virtual user, unique in its scenario over all workers, from 1.
        iteration: number of the iteration of this VU, from 0.
        operation: what was done, e.g. `create_user`.
        phase: only measured samples count.
        intended_us: when the plan wanted it to start.
        started_us: when it started.
        ended_us: when its last byte (or its acknowledgement) was there.
        outcome: ok, failed, timeout, interrupted.
        status: HTTP status; 0 where there is none.
        error: short class of the error (`refused`, `reset`, `status`, `check` ...), empty when ok.
        bytes_out: sent.
        bytes_in: received.
        records: rows or messages that this operation moved.
        checks_passed: bit i set = check i of this operation passed.
        checks_failed: bit i set = check i of this operation failed.
        blocked_us: this and what follows as in `HttpPhases`; -1 = no such phase.
        connecting_us: TCP handshake.
        tls_us: TLS handshake.
        sending_us: of the request.
        waiting_us: for the first byte.
        receiving_us: of the response.
    """

    scenario: str
    protocol: str
    vu: int
    iteration: int
    operation: str
    phase: Phase
    intended_us: int
    started_us: int
    ended_us: int
    outcome: Outcome
    status: int = 0
    error: str = ""
    bytes_out: int = 0
    bytes_in: int = 0
    records: int = 1
    checks_passed: int = 0
    checks_failed: int = 0
    blocked_us: int = -1
    connecting_us: int = -1
    tls_us: int = -1
    sending_us: int = -1
    waiting_us: int = -1
    receiving_us: int = -1


@dataclass(frozen=True, slots=True)
class IterationRecord:
    """Record one iteration of a virtual user, think time included.

    Attributes:
        scenario: name in the profile.
        vu: number of the virtual user, unique in its scenario over all workers, from 1.
        iteration: number of the iteration of this VU, from 0.
        phase: only measured iterations count.
        intended_us: when the plan wanted it to start, µs since the benchmark's origin.
        started_us: when it started.
        ended_us: when it was over, after its last think time.
        outcome: ok, failed (it raised an exception), interrupted (cut off).
    """

    scenario: str
    vu: int
    iteration: int
    phase: Phase
    intended_us: int
    started_us: int
    ended_us: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Reading:
    """Record what a probe saw at one moment (a gauge).

    Attributes:
        at_us: when it was really read, µs since the benchmark's origin.
        source: whom it is about: `host`, `api`, `postgres`, `birthday-messages/0`.
        name: a metric of the catalog, e.g. `process_cpu_percent`.
        value: in the metric's unit.
    """

    at_us: int
    source: str
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Figure:
    """Record one number that a benchmark worked out itself, after its load.

    Attributes:
        name: a metric of the catalog, e.g. `db_records_per_s`.
        scenario: empty when it is about the whole benchmark.
        operation: empty when it is about the whole scenario.
        value: in the metric's unit.
    """

    name: str
    value: float
    scenario: str = ""
    operation: str = ""


class LedgerEvent(StrEnum):
    """Name the stations of a message in their order; what was promised and what arrived, by id.

    A system that does not tell of a station has no entry for it.
    """

    INTENDED = "intended"
    STARTED = "started"
    QUERIED = "queried"
    ACKNOWLEDGED = "acknowledged"
    PUBLISHED = "published"
    RECEIVED = "received"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Record that a message passed a station.

    Attributes:
        message_id: the same text at every station.
        event: intended (the plan's start of the call), started (its first byte went out),
            queried (acknowledged less the time that the API says its database took, so that all
            of the API's own time lies before it), acknowledged (the system promised to deliver
            it), published (it was handed to the broker), received (a consumer began its work
            on it), completed (a consumer finished its work on it; once per attempt).
        at_us: µs since the benchmark's origin.
    """

    message_id: str
    event: LedgerEvent
    at_us: int


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """Say how far a consumer group is behind on one partition, in messages.

    Attributes:
        topic: its name.
        partition: its number.
        low_watermark: first offset that still exists.
        high_watermark: offset after the last message.
        committed_offset: where the group would continue; None when it never committed.
    """

    topic: str
    partition: int
    low_watermark: int
    high_watermark: int
    committed_offset: int | None

    @property
    def messages(self) -> int:
        """Give high watermark - committed offset; a group that never committed lags by all."""
        start = self.low_watermark if self.committed_offset is None else self.committed_offset
        return max(0, self.high_watermark - start)


SAMPLE_COLUMNS: Final = tuple(field.name for field in fields(Sample))
ITERATION_COLUMNS: Final = tuple(field.name for field in fields(IterationRecord))
READING_COLUMNS: Final = tuple(field.name for field in fields(Reading))
FIGURE_COLUMNS: Final = tuple(field.name for field in fields(Figure))
LEDGER_COLUMNS: Final = tuple(field.name for field in fields(LedgerEntry))
