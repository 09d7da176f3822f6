"""Count how far a load has got, for the people who wait for it.

Add here: a number for the progress line. Keep out: verdicts, because these counts only describe the
moment, and what the plan asks for (planned.py).
"""

import math
import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import Any, Final

from perf_pipeline.engine.operation_count import OperationCount
from perf_pipeline.engine.part import ScenarioPart
from perf_pipeline.engine.planned import NOTHING_PLANNED, PlannedNow
from perf_pipeline.units import US_PER_MS, US_PER_S

# Per worker and second; a momentary percentile needs no more.
_MOST_DURATIONS: Final = 200
# Sorting this many takes a worker 0.2 ms, during which it starts nothing.
_MOST_SORTED: Final = 2_000


@dataclass(frozen=True, slots=True)
class ScenarioProgress:
    """Count what a scenario has done so far, over all workers.

    Attributes:
        name: name of the scenario.
        active_vus: VUs that are running an iteration right now.
        iterations: iterations that ran to their end, warm-up included.
        dropped_iterations: planned starts that found no free VU.
        ok: operations that went well; `failed` counts the others, without interrupted ones.
        recent_per_s: iterations per second, over the last second of each worker.
        ways: how many operations failed in which way, e.g. {"status 401": 12, "refused": 3}.
        recent_p95_ms: 95th percentile of the operations of the last second; None without any.
        recent_lag_ms: how late the latest start of the last second was.
        planned: what the plan asks of it now.
        recent_p50_ms: the median of the same operations; `recent_p99_ms` is their 99th percentile.
    """

    name: str
    active_vus: int
    iterations: int
    dropped_iterations: int
    ok: int
    failed: int
    recent_per_s: float
    ways: Mapping[str, int] = field(default_factory=dict)
    recent_p95_ms: float | None = None
    recent_lag_ms: float = 0.0
    planned: PlannedNow = NOTHING_PLANNED
    recent_p50_ms: float | None = None
    recent_p99_ms: float | None = None

    @property
    def left_s(self) -> float:
        """Return how long it still takes; at its present pace, if iterations decide."""
        whole = self.planned.iterations
        if whole is None:
            return self.planned.left_s
        left = max(0, whole - self.iterations - self.dropped_iterations)
        if not left:
            return 0.0
        if self.recent_per_s <= 0:
            return self.planned.left_s
        return min(self.planned.left_s, left / self.recent_per_s)

    @property
    def is_over(self) -> bool:
        """Say whether there is nothing left to do."""
        return self.left_s <= 0 and not self.active_vus

    def as_json(self) -> dict[str, Any]:
        """Return JSON values, which docs/cli.md describes."""
        members = asdict(self)
        del members["planned"]
        return {
            **members,
            "planned_per_s": self.planned.per_s,
            "planned_iterations": self.planned.iterations,
            "begins_in_s": self.planned.begins_in_s,
            "left_s": self.left_s,
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """Hold how far a load has got.

    Attributes:
        elapsed_s: time since the load's start.
        scenarios: counts of the scenarios, in the order of the job.
    """

    elapsed_s: float
    scenarios: tuple[ScenarioProgress, ...]


@dataclass(slots=True)
class PartProgress:
    """Carry a worker's counts of a scenario through the pipe.

    Attributes:
        per_s: iterations per second since the worker's previous report.
        durations: how many operations ended since then.
        durations_us: their durations, sorted; if there were many, a representative selection.
        lag_us: the largest lag of a start since then.
    """

    name: str
    active: int = 0
    vus: int = 0
    vus_made: int = 0
    iterations: int = 0
    measured_iterations: int = 0
    dropped: int = 0
    measured_dropped: int = 0
    interrupted: int = 0
    ok: int = 0
    failed: int = 0
    ways: dict[str, int] = field(default_factory=dict)
    per_s: float = 0.0
    durations: int = 0
    durations_us: list[int] = field(default_factory=list)
    lag_us: int = 0


class Reporter:
    """Report the parts of a worker repeatedly, with what happened since the last report.

    A rate over the driver's time would be wrong: reports of several workers arrive in any order.

    Args:
        parts: the parts of the worker.
        counts: the counts by scenario.
        now_us: when the load begins.
    """

    def __init__(
        self, parts: Sequence[ScenarioPart], counts: Mapping[str, OperationCount], now_us: int
    ) -> None:
        self._parts = parts
        self._counts = counts
        self._at_us = now_us
        self._iterations = dict.fromkeys((part.name for part in parts), 0)

    def report(self, now_us: int) -> list[dict[str, Any]]:
        """Return the counts of all parts as JSON values."""
        span_us, self._at_us = now_us - self._at_us, now_us
        return [self._of(part, span_us / US_PER_S) for part in self._parts]

    def _of(self, part: ScenarioPart, span_s: float) -> dict[str, Any]:
        tally, count = part.tally, self._counts[part.name]
        done = tally.iterations - self._iterations[part.name]
        self._iterations[part.name] = tally.iterations
        ended, durations_us = count.take_durations_us()
        return asdict(
            PartProgress(
                name=part.name,
                active=tally.active,
                vus=tally.vus,
                vus_made=tally.vus_made,
                iterations=tally.iterations,
                measured_iterations=tally.measured_iterations,
                dropped=tally.dropped,
                measured_dropped=tally.measured_dropped,
                interrupted=tally.interrupted,
                ok=count.ok,
                failed=count.failed,
                ways=dict(count.ways),
                per_s=done / span_s if span_s > 0 else 0.0,
                durations=ended,
                durations_us=chosen(durations_us),
                lag_us=tally.lag.take_recent_us(),
            )
        )


def chosen(durations_us: Sequence[int]) -> list[int]:
    """Sort durations; of many, return about 200 that represent all of them.

    If there are too many to sort, one is drawn from each of many equal stretches of time: taking
    every second duration would always take the same operation if two operations alternate.
    """
    if len(durations_us) > _MOST_SORTED:
        stretch = len(durations_us) / _MOST_SORTED
        durations_us = [
            durations_us[int((place + random.random()) * stretch)] for place in range(_MOST_SORTED)
        ]
    step = math.ceil(len(durations_us) / _MOST_DURATIONS) or 1
    return sorted(durations_us)[::-step][::-1]


def merge_progress(
    parts: Iterable[PartProgress], planned: Mapping[str, PlannedNow]
) -> tuple[ScenarioProgress, ...]:
    """Add up the counts of the workers.

    Args:
        parts: the newest counts of every worker and scenario.
        planned: what the plan asks of each scenario now, in the order of the result.
    """
    by_name: dict[str, list[PartProgress]] = {name: [] for name in planned}
    for part in parts:
        by_name[part.name].append(part)
    return tuple(_merge(name, by_name[name], now) for name, now in planned.items())


def _merge(name: str, parts: list[PartProgress], planned: PlannedNow) -> ScenarioProgress:
    p50_ms, p95_ms, p99_ms = _percentiles_ms(parts, (0.5, 0.95, 0.99))
    return ScenarioProgress(
        name=name,
        active_vus=sum(part.active for part in parts),
        iterations=sum(part.iterations for part in parts),
        dropped_iterations=sum(part.dropped for part in parts),
        ok=sum(part.ok for part in parts),
        failed=sum(part.failed for part in parts),
        recent_per_s=sum(part.per_s for part in parts),
        # `asdict` turns a Counter into counts of its pairs, which is not JSON.
        ways=dict(sum((Counter(part.ways) for part in parts), Counter())),
        recent_p50_ms=p50_ms,
        recent_p95_ms=p95_ms,
        recent_p99_ms=p99_ms,
        recent_lag_ms=max((part.lag_us for part in parts), default=0) / US_PER_MS,
        planned=planned,
    )


def _percentiles_ms(
    parts: Iterable[PartProgress], shares: Sequence[float]
) -> Iterator[float | None]:
    """Yield the smallest duration that each share of operations did not exceed, in ms.

    A worker's durations weigh as much as the operations that they represent.
    """
    weighed = sorted(
        (duration_us, part.durations / len(part.durations_us))
        for part in parts
        for duration_us in part.durations_us
    )
    reached = list(accumulate(weight for _, weight in weighed))
    for share in shares:
        # Sums of weights are not quite exact, and the last duration must be found.
        place = bisect_left(reached, share * reached[-1] * (1 - 1e-12)) if reached else 0
        yield weighed[place][0] / US_PER_MS if weighed else None
