"""Check that a target kept its pace under a steady load; a target that slows down must not pass.

The figures of such a target depend on the length of the load, and in a closed model also on how few
requests are still sent, because VUs that wait for slow answers send few.
Add here: another reason why a figure would not hold for a longer load. Keep out: SQL (store/).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from perf_pipeline.config.executors.kinds import ArrivalRate, LoopingVUs, SteadyRate
from perf_pipeline.config.profile import Profile
from perf_pipeline.config.scenario import Scenario
from perf_pipeline.judging.kept_up import scenarios_that_kept_up, touches
from perf_pipeline.metrics.catalog import CATALOG, Kind
from perf_pipeline.metrics.threshold import Status, Threshold, Verdict
from perf_pipeline.quoting import first_few
from perf_pipeline.store.fifths import FIFTHS, Fifth, fifths_of
from perf_pipeline.store.history import History
from perf_pipeline.store.metric_sql import FROM_SAMPLES
from perf_pipeline.store.records import BenchmarkOutcome, RunKey
from perf_pipeline.units import US_PER_MS

LEAST_FACTOR: Final = 3.0
LEAST_US: Final = 20 * US_PER_MS
LEAST_COUNT: Final = 10
"""Of the operations of a fifth; a slow target has answered fewer of the last one."""
_LEAST_LAST: Final = 3
_MOST_TOLD: Final = 3
_SLOWER: Final = "became slower and slower"


@dataclass(frozen=True, slots=True)
class Slowing:
    """Hold an operation that became slower: the medians of its first and last fifth, in ms."""

    scenario: str
    operation: str
    first_ms: float
    last_ms: float

    def touches(self, threshold: Threshold) -> bool:
        """Say whether a threshold is about the durations of this operation."""
        metric = CATALOG[threshold.metric]
        return (
            metric.kind is Kind.TREND
            and metric.name in FROM_SAMPLES
            and touches(threshold, self.scenario)
            and threshold.tags.get("operation", self.operation) == self.operation
        )

    def misses(self, threshold: Threshold) -> bool:
        """Say whether half of the operations in the last fifth miss the bound."""
        return metric_is_in_ms(threshold) and not threshold.holds(self.last_ms)

    def __str__(self) -> str:
        """Describe it as a part of a sentence."""
        return (
            f"{self.operation} of {self.scenario} {_SLOWER}: its median was {self.first_ms:,.3g} "
            f"ms in the first fifth of the load and {self.last_ms:,.0f} ms in the last"
        )


def metric_is_in_ms(threshold: Threshold) -> bool:
    """Say whether a bound is a duration."""
    return CATALOG[threshold.metric].unit == "ms"


def kept_pace(
    history: History,
    key: RunKey,
    profile: Profile,
    outcome: BenchmarkOutcome,
    verdicts: Sequence[Verdict],
) -> list[Verdict]:
    """Withdraw a PASS on the durations of an operation that became slower and slower.

    It becomes NO_DATA if half of the last operations miss the bound, else WARN. Only scenarios with
    a steady load are checked, since a ramp makes any target slower. A pruned benchmark keeps its
    earlier result.
    """
    if not history.asked.raw_is_kept(key):
        return _as_before(history, key, verdicts)
    if key.benchmark not in profile.benchmarks:  # a what-if by a profile without it
        return list(verdicts)
    scenarios = profile.benchmarks[key.benchmark].scenarios
    steady = {name for name in scenarios_that_kept_up(outcome) if is_steady(scenarios.get(name))}
    if not steady or all(verdict.status is not Status.PASS for verdict in verdicts):
        return list(verdicts)  # medians of all samples would change nothing
    found = [
        slowing
        for slowing in _slowing(fifths_of(history.connection, key))
        if slowing.scenario in steady
    ]
    return [_judged(verdict, found) for verdict in verdicts]


def is_steady(scenario: Scenario | None) -> bool:
    """Say whether a scenario's load is the same from beginning to end."""
    if scenario is None:
        return False
    plan = scenario.plan
    if isinstance(plan, ArrivalRate):
        return isinstance(plan.planned_rate, SteadyRate)
    return not isinstance(plan, LoopingVUs) or not plan.planned_vus.stages


def _slowing(fifths: Mapping[tuple[str, str], Sequence[Fifth]]) -> list[Slowing]:
    return [
        Slowing(*name, parts[0].median_us / US_PER_MS, parts[-1].median_us / US_PER_MS)
        for name, parts in fifths.items()
        if is_slowing(parts)
    ]


def is_slowing(parts: Sequence[Fifth]) -> bool:
    """Say whether an operation became slower in each fifth of the load.

    The last median must be at least three times the first, and at least 20 ms more: five medians
    rise by chance in 1 of 120 loads, but not that far.

    >>> rising = [Fifth(50, 1_000.0 * 4**n) for n in range(5)]
    >>> is_slowing(rising), is_slowing(rising[::-1])
    (True, False)
    """
    least = [LEAST_COUNT] * (FIFTHS - 2) + [_LEAST_LAST] * 2
    if len(parts) < FIFTHS or any(part.count < n for part, n in zip(parts, least, strict=True)):
        return False
    first_us, last_us = parts[0].median_us, parts[-1].median_us
    rises = all(earlier.median_us < other.median_us for earlier, other in pairwise(parts))
    return rises and last_us >= max(LEAST_FACTOR * first_us, first_us + LEAST_US)


def _judged(verdict: Verdict, found: Sequence[Slowing]) -> Verdict:
    touching = [slowing for slowing in found if slowing.touches(verdict.threshold)]
    if verdict.status is not Status.PASS or not touching:
        return verdict
    told = first_few([str(slowing) for slowing in touching], _MOST_TOLD)
    if any(slowing.misses(verdict.threshold) for slowing in touching):
        status, end = Status.NO_DATA, ", which misses the bound: a longer load would not keep it"
    else:
        status, end = Status.WARN, ": a longer load would be slower"
    reason = "; ".join(filter(None, [verdict.reason, told + end]))
    return replace(verdict, status=status, reason=reason)


def _as_before(history: History, key: RunKey, verdicts: Sequence[Verdict]) -> list[Verdict]:
    before = {
        stored.threshold.key + stored.threshold.source: stored
        for name, stored in history.verdicts(key.run_id)
        if name == key.benchmark and _SLOWER in stored.reason
    }
    return [
        replace(verdict, status=known.status, reason=known.reason)
        if verdict.status is Status.PASS
        and (known := before.get(verdict.threshold.key + verdict.threshold.source))
        else verdict
        for verdict in verdicts
    ]
