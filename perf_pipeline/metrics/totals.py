"""Hold the totals of a benchmark's raw files: spans, messages by id, a backlog, stages.

Add here: a total from which a benchmark works out figures. Keep out: adding it up (store/), and
what follows from it (benchmarks/).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from perf_pipeline.units import US_PER_S


@dataclass(frozen=True, slots=True)
class SpanFigures:
    """Hold the totals of an operation of a scenario, of the measured phase only.

    Attributes:
        scenario: name of the scenario.
        operation: name of the operation.
        protocol: http, postgres, kafka or redis.
        count: number of operations, without interrupted ones that cannot be called failed.
        failed: how many of them failed.
        records: rows or messages that successful operations moved.
        first_started_us: start of the first operation, in µs since the benchmark's origin.
        last_ended_us: end of the last operation.
        busy_us: sum of all service times; divided by the span, it is the mean concurrency.
    """

    scenario: str
    operation: str
    protocol: str
    count: int
    failed: int
    records: int
    first_started_us: int
    last_ended_us: int
    busy_us: int

    @property
    def span_s(self) -> float:
        """Return the time from the first start to the last end, in s."""
        return (self.last_ended_us - self.first_started_us) / US_PER_S

    @property
    def records_per_s(self) -> float | None:
        """Return the records per second of the span; None when the span has no length."""
        return self.records / self.span_s if self.span_s > 0 else None


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """Compare what was promised with what arrived, by message id.

    Attributes:
        expected: number of ids that were acknowledged.
        completed: number of ids that were completed at least once, acknowledged or not.
        lost: number of ids that were acknowledged but never completed.
        duplicated: number of completions beyond the first of an id.
        unknown: number of ids that were completed but never acknowledged.
        repeated: number of acknowledgements beyond the first of an id.
        early: number of ids that were completed before they were asked for.
    """

    expected: int
    completed: int
    lost: int
    duplicated: int
    unknown: int
    repeated: int = 0
    early: int = 0


@dataclass(frozen=True, slots=True)
class OutOfTime:
    """Hold how many messages were completed when they can't have been.

    Attributes:
        messages: that were asked for and completed.
        early: how many of these were completed before they were asked for.
        late: completed after their completion was read.
        most_us: by how much at most.
    """

    messages: int
    early: int
    late: int
    most_us: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """Hold what became of the messages that waited when a benchmark began.

    Attributes:
        messages: number of ids that were acknowledged before the benchmark's origin.
        left: how many of them were never completed.
        done_us: when the last of them was completed; None when none was.
    """

    messages: int
    left: int
    done_us: int | None


@dataclass(frozen=True, slots=True)
class StageFigures:
    """Hold what follows from the stations of all messages together.

    Attributes:
        tail_ms: mean time of the slowest tenth of messages in each stage (`api`, `database` ...);
            stages that the system does not report are absent.
        saturation_ratio: share of the queue's waiting time in which all slots of the workers were
            busy; None where no message waited in the queue.
    """

    tail_ms: Mapping[str, float] = field(default_factory=dict)
    saturation_ratio: float | None = None
