"""What the raw files of one benchmark add up to: spans, messages by id, a backlog, stages.

Add here: a total that a benchmark's figures are worked out from. Keep out: adding it up (store/),
and what follows from it (benchmarks/).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from perf_pipeline.units import US_PER_S


@dataclass(frozen=True, slots=True)
class SpanFigures:
    """Hold the totals of one operation of one scenario, measured phase only.

    Attributes:
        scenario: its name.
        operation: its name.
        protocol: http, postgres, kafka or redis.
        count: of operations, without the interrupted ones that nobody can call failed.
        failed: of these, not ok.
        records: rows or messages that the ok ones moved.
        first_started_us: when the first one started, µs since the benchmark's origin.
        last_ended_us: when the last one ended.
        busy_us: sum of all service times; over the span it is the mean concurrency.
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
        """Give the time from the first start to the last end, s."""
        return (self.last_ended_us - self.first_started_us) / US_PER_S

    @property
    def records_per_s(self) -> float | None:
        """Give records over the span; None when the span has no length."""
        return self.records / self.span_s if self.span_s > 0 else None


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """Compare what was promised with what arrived, by message id.

    Attributes:
        expected: ids that were acknowledged.
        completed: ids that were completed at least once, acknowledged or not.
        lost: acknowledged and never completed.
        duplicated: completions beyond the first of each id.
        unknown: ids that were completed and never acknowledged.
    """

    expected: int
    completed: int
    lost: int
    duplicated: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """Hold what became of the messages that waited when a benchmark began.

    Attributes:
        messages: acknowledged before the benchmark's origin, by id.
        left: of these, never completed.
        done_us: when the last one was first completed; None when none was.
    """

    messages: int
    left: int
    done_us: int | None


@dataclass(frozen=True, slots=True)
class StageFigures:
    """Hold what the stations of all messages say together.

    Attributes:
        tail_ms: by stage (`api`, `database` ...) the mean of the slowest tenth of messages;
            stages that the system does not tell of are absent.
        saturation_ratio: share of the queue's waiting time in which every hand of the workers was
            full; None without a queue's waiting time.
    """

    tail_ms: Mapping[str, float] = field(default_factory=dict)
    saturation_ratio: float | None = None
