"""Cut a load with faults into buckets, and work out what was normal before the first fault.

Add here: another fact about a bucket. Keep out: the rule of recovery (analysis/recovery.py) and
what follows from it (fault_figures.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from perf_pipeline.analysis.recovery import Bands, Bucket, bands_of, width_us
from perf_pipeline.config.profile import BenchmarkConfig
from perf_pipeline.plan.rates import Knot, rate_of, starts_between
from perf_pipeline.store.records import ScenarioCounts
from perf_pipeline.store.spool_course import Answers, Grid, answers_of, waiting_of
from perf_pipeline.units import US_PER_S


@dataclass(frozen=True, slots=True)
class BucketedLoad:
    """Hold a load in buckets, and the bands of what was normal in it.

    Attributes:
        folder: the folder of the benchmark.
        buckets: the buckets of the whole load, in order, as they were in the end.
        bands: the bands of the time before the first fault.
        width_us: the width of each bucket.
        ends_us: the end of what was measured, µs since the benchmark's origin.
        knows_messages: whether its ledger shows which messages were delivered.
    """

    folder: Path
    buckets: Sequence[Bucket]
    bands: Bands
    width_us: int
    ends_us: int
    knows_messages: bool


def bucketed(
    folder: Path,
    config: BenchmarkConfig,
    counts: Sequence[ScenarioCounts],
    first_us: int,
    *,
    knows_messages: bool,
) -> BucketedLoad | None:
    """Cut a load into buckets; None if there is nothing to compare with.

    Only what was known when the first fault began counts as normal: an operation in progress at
    that time may be slow or fail because of the fault, which would then seem normal.

    Args:
        folder: the folder of the benchmark.
        config: the configuration of the benchmark.
        counts: the counts of its scenarios.
        first_us: the begin of the first fault, in µs since the benchmark's origin.
        knows_messages: whether its ledger shows which messages were delivered.
    """
    measured = [count for count in counts if count.measured_until_us > count.measured_from_us]
    if not measured:
        return None
    from_us = min(count.measured_from_us for count in measured)
    ends_us = max(count.measured_until_us for count in measured)
    rates = [_rate(config, count) for count in measured]
    before_us = first_us - from_us
    if before_us <= 0:
        return None
    starts = sum(starts_between(rate, from_us, first_us) for rate in rates)
    width = width_us(starts * US_PER_S / before_us, before_us)
    grid = Grid(from_us, width, max(0, ends_us - from_us) // width)
    by_id = waiting_of(folder, grid, by_id=True) if knows_messages else None
    waiting = by_id if by_id is not None else waiting_of(folder, grid, by_id=False)
    planned = [
        sum(starts_between(rate, begin, begin + width) for rate in rates) for begin in grid.begins
    ]
    ended, known = (
        list(_buckets(grid, planned, answers, waiting))
        for answers in answers_of(folder, grid, until_us=first_us)
    )
    bands = bands_of([bucket for bucket in known if bucket.begins_us + width <= first_us])
    if bands is None:
        return None
    return BucketedLoad(folder, ended, bands, width, ends_us, by_id is not None)


def _buckets(
    grid: Grid,
    planned: Sequence[float],
    answers: Sequence[Answers],
    waiting: Sequence[float] | None,
) -> Iterator[Bucket]:
    for number, (begin, found) in enumerate(zip(grid.begins, answers, strict=True)):
        yield Bucket(
            begins_us=begin,
            planned=planned[number],
            answered=found.answered,
            failed=found.failed,
            p95_ms=found.p95_ms,
            waiting=None if waiting is None else waiting[number],
            under_way_ms=found.under_way_ms,
        )


def _rate(config: BenchmarkConfig, count: ScenarioCounts) -> list[Knot]:
    """Return the planned starts of a scenario on the benchmark's axis."""
    scenario = config.scenarios[count.name]
    return list(rate_of(scenario.plan, count.measured_from_us - scenario.warm_up_us))
