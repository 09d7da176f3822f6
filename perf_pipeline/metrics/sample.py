"""What is recorded while a load runs: samples, iterations, readings, figures, ledger entries.

Add here: a column that a later percentile needs (and a migration in store/). Keep out:
derived values, such as durations, which follow from the three time stamps.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final, NamedTuple

# Names in one benchmark; the rarest names beyond it are counted together (store/names.py).
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


HTTP_ERRORS: Final = (
    *("refused", "reset", "timeout", "connect_timeout", "closed", "truncated", "protocol", "dns"),
    *("tls", "too_large", "unreachable", "not_http2", "not_tls", "speaks_tls", "not_allowed"),
    *("generator", "status", "check", "resent", "cancelled", "unreadable", "unexpected_body"),
)
"""Classes of error that requests of HTTP have here; a workload of somebody else's may have more."""


class HttpPhases(NamedTuple):
    """Split an HTTP request as k6 does, in µs; -1 means that a phase did not happen or is unknown.

    On an open connection the first three phases are 0, as in k6, so that their averages are over
    all requests. The other three add up to the service time of a request that was sent; they are -1
    for a request that never got a connection.

    Attributes:
        blocked_us: time waiting for a connection, including the resolver (k6's `http_req_blocked`).
        connecting_us: time of the TCP handshake.
        tls_us: time of the TLS handshake.
        sending_us: time from the first to the last byte given to the kernel.
        waiting_us: time from the last byte sent to the first byte received.
        receiving_us: time from the first to the last byte received.
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
    """Record an operation of an iteration.

    All times are integer µs since the benchmark's origin, by a monotonic clock that all workers
    share. From them follow the schedule lag = started - intended, the service time = ended -
    started (k6's `http_req_duration`), and the response time = ended - intended, in which a stall
    cannot hide.

    Attributes:
        scenario: name in the profile.
        protocol: `http`, `postgres`, `kafka` or `redis`.
        vu: number of the virtual user, unique in its scenario over all workers, from 1; 0 for what
            another tool measured, of whose plan nothing is known.
        iteration: number of the iteration of this VU, from 0.
        operation: what was done, e.g. `create_user`.
        phase: only measured samples count.
        intended_us: when the plan wanted it to start.
        started_us: when it started.
        ended_us: when its last byte (or its acknowledgement) was there.
        outcome: ok, failed, timeout, interrupted.
        status: HTTP status; 0 where there is none.
        error: short class of the error (`refused`, `reset`, `status`, `check` ...), empty when ok.
        bytes_out: number of bytes sent.
        bytes_in: number of bytes received.
        records: number of rows or messages that this operation moved.
        checks_passed: bit i set = check i of this operation passed.
        checks_failed: bit i set = check i of this operation failed.
        blocked_us: like the following fields as in `HttpPhases`; -1 means that there was no such
            phase.
        connecting_us: time of the TCP handshake.
        tls_us: time of the TLS handshake.
        sending_us: time of sending the request.
        waiting_us: time until the first byte of the response.
        receiving_us: time of receiving the response.
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
    """Record an iteration of a virtual user, think time included.

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
        at_us: when it was really read, in µs since the benchmark's origin.
        source: what it is about, e.g. `host`, `api`, `postgres`, `birthday-messages/0`.
        name: a metric of the catalog, e.g. `process_cpu_percent`.
        value: what was read, in the unit of the metric.
    """

    at_us: int
    source: str
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Figure:
    """Record a number that a benchmark worked out after its load.

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


@dataclass(frozen=True, slots=True)
class CountedCheck:
    """Count the results of a check of which another tool's file does not say what it belongs to.

    Attributes:
        scenario: name there; empty where it has none.
        operation: empty where nobody knows which request it is about.
        check_name: its name there.
        passes: how often it passed.
        fails: how often it failed.
    """

    scenario: str
    operation: str
    check_name: str
    passes: int
    fails: int


@dataclass(frozen=True, slots=True)
class ReportedFigure:
    """Record a figure that another tool worked out itself, because its file has no samples.

    Attributes:
        metric: a metric of the catalog.
        tags: the tag filter, as the history writes it.
        statistic: `count`, `rate`, `avg`, `p(95)` ...; or the text of a threshold, with the value 1
            where that tool says that it held, and 0 where it did not.
        value: in the metric's unit.
    """

    metric: str
    tags: str
    statistic: str
    value: float


class LedgerEvent(StrEnum):
    """Name the stations of a message in their order, from what was promised to what arrived.

    Where a system does not report a station, there is no entry for it.
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
            queried (acknowledged minus the time that the API says its database took, so that all
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
        topic: name of the topic.
        partition: number of the partition.
        low_watermark: the first offset that still exists.
        high_watermark: the offset after the last message.
        committed_offset: where the group would continue; None when it never committed.
    """

    topic: str
    partition: int
    low_watermark: int
    high_watermark: int
    committed_offset: int | None

    @property
    def messages(self) -> int:
        """Return high watermark minus committed offset; all messages if nothing was committed."""
        start = self.low_watermark if self.committed_offset is None else self.committed_offset
        return max(0, self.high_watermark - start)


SAMPLE_COLUMNS: Final = tuple(field.name for field in fields(Sample))
ITERATION_COLUMNS: Final = tuple(field.name for field in fields(IterationRecord))
READING_COLUMNS: Final = tuple(field.name for field in fields(Reading))
FIGURE_COLUMNS: Final = tuple(field.name for field in fields(Figure))
LEDGER_COLUMNS: Final = tuple(field.name for field in fields(LedgerEntry))
CHECK_COLUMNS: Final = tuple(field.name for field in fields(CountedCheck))
REPORTED_COLUMNS: Final = tuple(field.name for field in fields(ReportedFigure))
