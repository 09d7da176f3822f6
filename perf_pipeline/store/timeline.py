"""The course of every benchmark of a run over time, folded into equal steps by SQL.

A step is a second, or as many as keep a benchmark within `MOST_STEPS` (and a run within eight times
as many). Counts of a step are rates
over it, percentiles are those of all its operations, and readings keep the lowest and the highest
value of two steps, in their order, so that no peak is lost.

Add here: a line, with its query. Keep out: drawing (report/), and figures that count (statistics).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from math import ceil, nan
from typing import Any, Final

import duckdb

from perf_pipeline.metrics.summary import LEAST_VALUES
from perf_pipeline.store.censoring import UNDECIDED
from perf_pipeline.store.latency_course import (
    KindOfSamples,
    LatencyCourse,
    kinds_of_samples,
    latency_courses,
)
from perf_pipeline.store.metric_sql import FROM_VUS
from perf_pipeline.units import US_PER_S

MOST_STEPS: Final = 600
RESPONSE: Final = "response_time"
"""Of all operations together, at their intended start; service times are drawn at their end."""

# Of a benchmark; a run of many benchmarks gets fewer each, so that its page stays small.
_LEAST_STEPS: Final = 100
_MOST_STEPS_IN_ALL: Final = 4_800
_STEPS_S: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600)
_PERCENTILES: Final = (("p50", 1), ("p95", LEAST_VALUES["p95"]), ("p99", LEAST_VALUES["p99"]))
DRAWN_READINGS: Final = (
    *("vus", "vus_busy", "vus_max"),
    *("consumer_lag", "db_connections", "db_locks_waiting"),
    *("host_cpu_percent", "host_memory_percent"),
    *("host_disk_bytes_per_s", "host_network_bytes_per_s"),
    *("process_cpu_percent", "process_memory_bytes", "process_io_bytes_per_s"),
    "redis_memory_bytes",
)
"""Metrics of readings that reports draw, in their order."""

_READ: Final = """
select benchmark, min(at_us), max(at_us) from readings
where run_id = $run_id and list_contains($names::varchar[], name) group by benchmark
"""
# Every query below joins these: one row per benchmark with the length of its step.
_STEPS: Final = (
    "(select unnest($benchmarks::varchar[]) as benchmark, unnest($steps::bigint[]) as step_us) "
    "as steps"
)
_COUNTS: Final = f"""
select benchmark, cast(floor(ended_us / step_us) as bigint) as step,
    count(*) * {US_PER_S} / any_value(step_us) as per_s,
    100.0 * avg((outcome <> 'ok' and not ({UNDECIDED}))::integer) as failed_percent
from samples join {_STEPS} using (benchmark) where run_id = $run_id
group by benchmark, step order by benchmark, step
"""
_STARTS: Final = f"""
select benchmark, cast(floor(started_us / step_us) as bigint) as step,
    count(*) * {US_PER_S} / any_value(step_us) as per_s
from iterations join {_STEPS} using (benchmark) where run_id = $run_id
group by benchmark, step order by benchmark, step
"""
# A reading counts the drops of the second that ends with it, whose middle is in its step.
_DROPS: Final = f"""
select benchmark, cast(floor((at_us - 500000) / step_us) as bigint) as step,
    sum(value) * {US_PER_S} / any_value(step_us) as per_s
from readings join {_STEPS} using (benchmark)
where run_id = $run_id and name = 'dropped_iterations' and source = ''
group by benchmark, step order by benchmark, step
"""
_READINGS: Final = f"""
select benchmark, name, source, cast(floor(at_us / (2 * step_us)) as bigint) as pair, count(*),
    min(value), max(value), arg_min(at_us, value), arg_max(at_us, value), any_value(step_us)
from readings join {_STEPS} using (benchmark)
where run_id = $run_id and list_contains($names::varchar[], name) and not contains(source, '/')
    and (source = '' or not list_contains($vus::varchar[], name)) and isfinite(value)
group by benchmark, name, source, pair order by benchmark, name, source, pair
"""
_MEASURED: Final = """
select benchmark, scenario, measured_from_us, measured_until_us from scenarios
where run_id = ? and measured_from_us is not null and measured_until_us is not null
order by benchmark, scenario
"""


@dataclass(frozen=True, slots=True)
class CourseLine:
    """Hold a line over a benchmark's time.

    Attributes:
        benchmark: its name.
        metric: whose course it is: of the catalog, or `operations`, `failed`, `started`,
            `dropped`, or the operation whose service time it is.
        name: what tells it from the other lines of the metric: a source or a statistic.
        every_s: for how many seconds a point stands.
        points: (s since the benchmark's origin at which its stretch begins, value), by time; nan
            where too few values carry it.
        scenario: the scenario of an operation.
        operation: whose service time it is.
        protocol: the protocol of the operation.
    """

    benchmark: str
    metric: str
    name: str
    every_s: float
    points: tuple[tuple[float, float], ...]
    scenario: str = ""
    operation: str = ""
    protocol: str = ""


def course_lines(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[CourseLine]:
    """Return the lines of every benchmark of a run; of a pruned run only those of its readings.

    Warm-up and drain are in it: a plot shows what happened, a summary what counts.
    """
    names = {"run_id": run_id, "names": list(DRAWN_READINGS)}
    kinds = kinds_of_samples(connection, run_id)
    spans = _spans(kinds, connection.execute(_READ, names).fetchall())
    most = min(MOST_STEPS, max(_LEAST_STEPS, _MOST_STEPS_IN_ALL // max(1, len(spans))))
    steps = {name: step_us(until_us - from_us, most) for name, (from_us, until_us) in spans.items()}
    given = {"run_id": run_id, "benchmarks": list(steps), "steps": list(steps.values())}

    def rows(sql: str, **more: object) -> list[tuple[Any, ...]]:
        return connection.execute(sql, {**given, **more}).fetchall()

    return [
        *_starts(rows(_STARTS), steps, "started"),
        *_starts(rows(_DROPS), steps, "dropped"),
        *_counts(rows(_COUNTS), steps),
        *_latencies(latency_courses(connection, run_id, kinds, steps)),
        *sorted(
            _readings(rows(_READINGS, names=list(DRAWN_READINGS), vus=sorted(FROM_VUS))),
            key=lambda line: DRAWN_READINGS.index(line.metric),
        ),
    ]


def _spans(
    kinds: Iterable[KindOfSamples], read: Iterable[tuple[str, int, int]]
) -> dict[str, tuple[int, int]]:
    """Return from when until when each benchmark has samples or readings, from its origin on."""
    sampled = (
        (kind.benchmark, min(kind.intended_from_us, 0), kind.ended_until_us) for kind in kinds
    )
    spans: dict[str, tuple[int, int]] = {}
    for benchmark, from_us, until_us in (*sampled, *read):
        known = spans.get(benchmark, (from_us, until_us))
        spans[benchmark] = (min(from_us, known[0]), max(until_us, known[1]))
    return dict(sorted(spans.items()))


def step_us(span_us: int, most: int = MOST_STEPS) -> int:
    """Return the shortest step, in round seconds, that divides a span into few enough parts.

    >>> step_us(600_000_000), step_us(7_200_000_000)
    (1000000, 15000000)
    """
    least_s = ceil(span_us / US_PER_S / most)
    step_s = next((step for step in _STEPS_S if step >= least_s), least_s)
    return step_s * US_PER_S


def _by(rows: Iterable[tuple[Any, ...]], columns: int) -> Iterator[tuple[Any, list[Any]]]:
    """Group ordered rows by their first columns."""
    for key, group in groupby(rows, key=lambda row: row[:columns]):
        yield key, [row[columns:] for row in group]


def _starts(
    rows: list[tuple[Any, ...]], steps: Mapping[str, int], name: str
) -> Iterator[CourseLine]:
    for (benchmark,), found in _by(rows, 1):
        step_s = steps[benchmark] / US_PER_S
        yield CourseLine(benchmark, name, name, step_s, _without_gaps(found, step_s))


def _counts(rows: list[tuple[Any, ...]], steps: Mapping[str, int]) -> Iterator[CourseLine]:
    for (benchmark,), found in _by(rows, 1):
        step_s = steps[benchmark] / US_PER_S
        ended = _without_gaps(found, step_s)
        failed = tuple((step * step_s, percent) for step, _, percent in found)
        yield CourseLine(benchmark, "operations", "ended", step_s, ended)
        yield CourseLine(benchmark, "failed", "failed", step_s, failed)


def _without_gaps(rows: Sequence[Any], step_s: float) -> tuple[tuple[float, float], ...]:
    """Return rates by step; where nothing ended for a while the rate is zero."""
    rates = {row[0]: row[1] for row in rows}
    return tuple(
        (step * step_s, rates.get(step, 0.0)) for step in range(min(rates), max(rates) + 1)
    )


def _latencies(courses: Iterable[LatencyCourse]) -> Iterator[CourseLine]:
    for course in courses:
        stretch_s, first = course.stretch_us / US_PER_S, course.kinds[0]
        told = (first.scenario, first.operation, first.protocol) if course.part else ("", "", "")
        shown = {
            name: [
                (n, values[place] if count >= least else nan)
                for n, count, values, _ in course.found
            ]
            for place, (name, least) in enumerate(_PERCENTILES)
        }
        shown["max"] = [(n, highest) for n, _, _, highest in course.found]
        for name, values in shown.items():
            points = tuple((n * stretch_s, value) for n, value in _with_gaps(values))
            metric = course.part or RESPONSE
            yield CourseLine(course.benchmark, metric, name, stretch_s, points, *told)


def _with_gaps(values: Sequence[tuple[int, float]]) -> Iterator[tuple[int, float]]:
    """Yield nan where a stretch begins in which nothing ended, so that no line crosses it."""
    for (step, value), following in zip_longest(values, values[1:]):
        yield step, value
        if following is not None and following[0] > step + 1:
            yield step + 1, nan


def _readings(rows: list[tuple[Any, ...]]) -> Iterator[CourseLine]:
    for (benchmark, name, source), found in _by(rows, 3):
        step_s = found[0][-1] / US_PER_S
        points = tuple(point for row in found for point in _extremes(row, step_s))
        yield CourseLine(benchmark, name, source or name, step_s, points)


def _extremes(row: Sequence[Any], step_s: float) -> Iterator[tuple[float, float]]:
    """Yield the lowest and the highest reading of two steps as they followed on one another."""
    pair, count, low, high, low_us, high_us, _ = row
    if count == 1:
        yield low_us // (step_s * US_PER_S) * step_s, low
        return
    ordered = (low, high) if low_us < high_us else (high, low)
    yield from zip((2 * pair * step_s, (2 * pair + 1) * step_s), ordered, strict=True)


def measured_spans(
    connection: duckdb.DuckDBPyConnection, run_id: str
) -> dict[str, dict[str, tuple[int, int]]]:
    """Return the measured phase of every scenario by benchmark, in µs since its origin."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for benchmark, scenario, *span in connection.execute(_MEASURED, [run_id]).fetchall():
        found.setdefault(benchmark, {})[scenario] = (span[0], span[1])
    return found
