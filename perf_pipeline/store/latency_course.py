"""The course of latency of a run: percentiles of all operations of a benchmark, and of the most.

What each kind of samples has is counted first, so that the samples themselves are read once, and
only those that are drawn.
Add here: another figure of a stretch of time. Keep out: lines that are made of it (timeline.py).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import ceil, floor
from typing import Final

import duckdb

from perf_pipeline.metrics.summary import LEAST_VALUES

_MOST_OPERATIONS: Final = 6
# So many values carry a p(99); fewer stretches than this show no course.
_VALUES_WANTED: Final = LEAST_VALUES["p99"]
_LEAST_STRETCHES: Final = 20
_KINDS: Final = """
select benchmark, kind, scenario, operation, protocol, times, intended_from_us, intended_until_us,
    ended_from_us, ended_until_us
from (
    select benchmark, kind, count(*) as times, min(intended_us) as intended_from_us,
        max(intended_us) as intended_until_us, min(ended_us) as ended_from_us,
        max(ended_us) as ended_until_us
    from sample_rows where run_id = $run_id group by benchmark, kind
) join (from sample_kinds where run_id = $run_id) using (benchmark, kind)
order by benchmark, kind
"""
_DRAWN: Final = """
select number, cast(floor(at_us / stretch_us) as bigint) as stretch, count(*),
    quantile_cont(ms, [0.5, 0.95, 0.99]), max(ms)
from (
    select number, stretch_us, if(is_whole, intended_us, ended_us) as at_us,
        (ended_us - if(is_whole, intended_us, started_us)) / 1000.0 as ms
    from sample_rows join (
        select unnest($benchmarks::varchar[]) as benchmark, unnest($kinds::integer[]) as kind,
            unnest($numbers::integer[]) as number, unnest($stretches::bigint[]) as stretch_us,
            unnest($whole::boolean[]) as is_whole
    ) using (benchmark, kind)
    where run_id = $run_id
)
group by number, stretch order by number, stretch
"""


@dataclass(frozen=True, slots=True)
class KindOfSamples:
    """Say how many samples of one kind a benchmark has, and when: µs since its origin."""

    benchmark: str
    kind: int
    scenario: str
    operation: str
    protocol: str
    times: int
    intended_from_us: int
    intended_until_us: int
    ended_from_us: int
    ended_until_us: int


@dataclass(frozen=True, slots=True)
class LatencyCourse:
    """Hold the latency of an operation over time, or of all operations of a benchmark.

    Attributes:
        benchmark: its name.
        part: the operation, and its scenario where several do it; empty for all operations: of
            these it is the response time by intended start, else the service time by end.
        stretch_us: for how long each figure stands; longer where few values would carry it.
        kinds: of the samples; at least one.
        found: (number of the stretch, values, their p(50), p(95), p(99), highest in ms), by time.
    """

    benchmark: str
    part: str
    stretch_us: int
    kinds: Sequence[KindOfSamples]
    found: list[tuple[int, int, Sequence[float], float]] = field(default_factory=list)


def kinds_of_samples(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[KindOfSamples]:
    """Count the samples of a run by benchmark and kind; empty when they were pruned."""
    rows = connection.execute(_KINDS, {"run_id": run_id}).fetchall()
    return [KindOfSamples(*row) for row in rows]


def latency_courses(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    kinds: Iterable[KindOfSamples],
    steps: Mapping[str, int],
) -> list[LatencyCourse]:
    """Follow the latency of each benchmark, all operations first, then those with most samples.

    Args:
        connection: to the history.
        run_id: of the run.
        kinds: of its samples, by benchmark.
        steps: by benchmark the shortest stretch, in µs.
    """
    by_benchmark = groupby(kinds, key=lambda kind: kind.benchmark)
    courses = [
        course
        for benchmark, group in by_benchmark
        for course in _to_draw(list(group), steps[benchmark])
    ]
    drawn = [
        (number, course, kind) for number, course in enumerate(courses) for kind in course.kinds
    ]
    given = {
        "run_id": run_id,
        "benchmarks": [course.benchmark for _, course, _ in drawn],
        "kinds": [kind.kind for _, _, kind in drawn],
        "numbers": [number for number, _, _ in drawn],
        "stretches": [course.stretch_us for _, course, _ in drawn],
        "whole": [not course.part for _, course, _ in drawn],
    }
    for number, *figures in connection.execute(_DRAWN, given).fetchall() if drawn else ():
        courses[number].found.append((figures[0], figures[1], figures[2], figures[3]))
    return courses


def _to_draw(kinds: Sequence[KindOfSamples], step_us: int) -> Iterator[LatencyCourse]:
    """Say what is drawn of a benchmark: an operation of several scenarios for each of them."""
    whole_us = _span_us((kind.intended_from_us, kind.intended_until_us) for kind in kinds)
    yield LatencyCourse(kinds[0].benchmark, "", _stretch_us(kinds, whole_us, step_us), kinds)
    doing = Counter(
        operation for _, operation in {(kind.scenario, kind.operation) for kind in kinds}
    )
    parts: dict[str, list[KindOfSamples]] = {}
    for kind in kinds:
        of_scenario = f" of {kind.scenario}" if doing[kind.operation] > 1 else ""
        if part := f"{kind.operation}{of_scenario}":
            parts.setdefault(part, []).append(kind)
    by_size = sorted(parts, key=lambda part: (-_times(parts[part]), part))
    for part in by_size[:_MOST_OPERATIONS]:
        own = parts[part]
        span_us = _span_us((kind.ended_from_us, kind.ended_until_us) for kind in own)
        yield LatencyCourse(own[0].benchmark, part, _stretch_us(own, span_us, step_us), own)


def _times(kinds: Iterable[KindOfSamples]) -> int:
    return sum(kind.times for kind in kinds)


def _span_us(spans: Iterable[tuple[int, int]]) -> int:
    starts, ends = zip(*spans, strict=True)
    return int(max(ends) - min(starts))


def _stretch_us(kinds: Collection[KindOfSamples], span_us: int, step_us: int) -> int:
    """Return a step, or as many as have the values that a percentile wants."""
    steps = span_us / step_us + 1
    steps_wanted = ceil(_VALUES_WANTED * steps / _times(kinds))
    return step_us * max(1, min(steps_wanted, floor(steps / _LEAST_STRETCHES)))
