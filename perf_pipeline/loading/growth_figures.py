"""Work out from a benchmark's spool what grew during its load, and record it.

Add here: another figure of growth. Keep out: the slope (analysis/drift.py), SQL (store/), and
reading during the load (watching.py).
"""

import csv
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from perf_pipeline.analysis.drift import ERROR, UNKNOWN, drift_of
from perf_pipeline.config.profile import BenchmarkConfig
from perf_pipeline.metrics.growth import (
    GROWTH_COLUMNS,
    GROWTH_FILE,
    LATENCY_GROWTH,
    OF_READINGS,
    GrowthRecord,
    is_of_the_system,
    part_of,
)
from perf_pipeline.metrics.sample import Figure
from perf_pipeline.quoting import first_few
from perf_pipeline.store.records import ScenarioCounts
from perf_pipeline.store.spool_growth import Course, courses_of_latencies, courses_of_readings

_NOTHING: Final = (
    "it is unknown what grew: the load ended before there were ten readings of anything after "
    "settle"
)
_TOO_FEW: Final = "fewer than ten points after settle do not show whether these grow: "
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class GrownFigures:
    """Hold what grew.

    Attributes:
        figures: the slope of each part, and the largest of each metric.
        problems: what a reader must know, in one sentence each.
    """

    figures: tuple[Figure, ...] = ()
    problems: tuple[str, ...] = ()


def grown_figures(
    folder: Path, config: BenchmarkConfig, counts: Sequence[ScenarioCounts]
) -> GrownFigures:
    """Work out how fast each watched quantity grew, and write growth.csv.

    The intervals hold simultaneously: the more quantities are watched, the less often each may be
    called growing by chance (Bonferroni).

    Args:
        folder: the folder of the benchmark.
        config: the configuration of the benchmark; nothing is written where it does not ask what
            grows.
        counts: the counts of its scenarios.
    """
    measured = [count for count in counts if count.measured_until_us > count.measured_from_us]
    if config.growth is None or not measured:
        return GrownFigures()
    from_us = max(count.measured_from_us for count in measured)
    until_us = min(count.measured_until_us for count in measured)
    from_us += config.growth.settled_after_us(until_us - from_us)
    courses = list(_courses(folder, from_us, until_us))
    records = [
        record
        for metric, part, course in courses
        if (record := _record(metric, part, course, config.growth.margin, len(courses)))
    ]
    _write(folder / GROWTH_FILE, records)
    told = {(record.metric, record.part) for record in records}
    untold = [f"{metric} of {part}" for metric, part, _ in courses if (metric, part) not in told]
    unknown = f"{_TOO_FEW}{first_few(untold, _MOST_NAMED)}" if untold else ""
    problem = unknown if told else _NOTHING
    open_metrics = frozenset(
        metric
        for metric, part, _ in courses
        if (metric, part) not in told and is_of_the_system(metric, part)
    )
    return GrownFigures(tuple(_figures(records, open_metrics)), (problem,) if problem else ())


def _courses(folder: Path, from_us: int, until_us: int) -> Iterator[tuple[str, str, Course]]:
    read = courses_of_readings(folder, OF_READINGS, from_us, until_us)
    for (name, source), course in read.items():
        yield OF_READINGS[name], part_of(name, source), course
    for part, course in courses_of_latencies(folder, from_us, until_us).items():
        yield LATENCY_GROWTH, part, course


def _record(
    metric: str, part: str, course: Course, margin: float, together: int
) -> GrowthRecord | None:
    drift = drift_of(course, ERROR / together)
    if drift is None:
        return None
    finding = drift.finding(margin)
    return GrowthRecord(
        metric=metric,
        part=part,
        points=drift.points,
        hours=drift.hours,
        level=drift.level,
        per_h=drift.per_h,
        low_per_h=drift.low_per_h,
        high_per_h=drift.high_per_h,
        finding=finding,
        needed_h=drift.hours_to_tell(margin) if finding == UNKNOWN else None,
    )


def _figures(records: Sequence[GrowthRecord], open_metrics: AbstractSet[str]) -> Iterator[Figure]:
    """Yield the slope of each part, and for each metric the slope of the part that grows fastest.

    Args:
        records: the records of all parts that have a slope.
        open_metrics: metrics of which some part has no slope, so that nobody knows which grows
            fastest.
    """
    fastest: dict[str, float] = {}
    for record in records:
        yield Figure(record.metric, record.per_h, operation=record.part)
        if record.is_of_the_system:
            fastest[record.metric] = max(record.per_h, fastest.get(record.metric, record.per_h))
    for metric, per_h in fastest.items():
        if metric not in open_metrics:
            yield Figure(metric, per_h)


def _write(path: Path, records: Sequence[GrowthRecord]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(GROWTH_COLUMNS)
        writer.writerows(map(astuple, records))
