"""Read the course of a run for reports: its lines over time, and how its operations failed.

Add here: another part of a benchmark's section that comes from raw rows. Keep out: SQL (store/),
drawing and words (report/).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from perf_pipeline.config.profile import Profile
from perf_pipeline.metrics.catalog import CATALOG
from perf_pipeline.metrics.naming import metric_key, written_filter
from perf_pipeline.plan.outline import Turn, outline
from perf_pipeline.plan.rates import starts_between
from perf_pipeline.report.model import Failure, TimeSeries
from perf_pipeline.store.failures import FailureKind, failures_of
from perf_pipeline.store.history import History
from perf_pipeline.store.timeline import RESPONSE, CourseLine, course_lines, measured_spans
from perf_pipeline.units import US_PER_S

_MIB: Final = 1 << 20
_IN_MIB: Final = MappingProxyType({"bytes": "MiB", "bytes/s": "MiB/s"})
_VUS: Final = MappingProxyType({"vus": "active", "vus_busy": "busy", "vus_max": "existing"})
_OF_A_CORE: Final = "process_cpu_percent"
_SHARES_OF_FAILURES: Final = tuple(
    name
    for name, metric in CATALOG.items()
    if metric.source is not None and metric.source.value in {"failed", "not_good"}
)
# Title, unit, and the metrics whose thresholds are drawn, for lines that are not catalog metrics.
_LOAD: Final = MappingProxyType(
    {
        "started": ("iterations", "1/s", ()),
        "dropped": ("iterations", "1/s", ("dropped_iterations",)),
        "operations": ("operations that ended", "1/s", ()),
        "failed": ("operations that failed", "percent", _SHARES_OF_FAILURES),
        RESPONSE: ("response time, from the intended start", "ms", (RESPONSE,)),
    }
)
_Spans = Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Course:
    """Hold what raw rows show about a benchmark.

    Attributes:
        series: the lines over time.
        failures: the ways in which operations failed, the most frequent first.
        measured_s: begin and end of the measured phase, in s since the origin; None if unknown.
    """

    series: tuple[TimeSeries, ...] = ()
    failures: tuple[Failure, ...] = ()
    measured_s: tuple[float, float] | None = None


def courses_of(history: History, run_id: str, profile: Profile) -> dict[str, Course]:
    """Return what raw rows show about each benchmark of a run.

    Args:
        history: the open history.
        run_id: the id of the run.
        profile: the profile that it was made with, which has the plan.
    """
    lines: dict[str, list[CourseLine]] = {}
    for line in course_lines(history.connection, run_id):
        lines.setdefault(line.benchmark, []).append(line)
    failures: dict[str, list[Failure]] = {}
    for kind in failures_of(history.connection, run_id):
        failures.setdefault(kind.benchmark, []).append(_failure(kind))
    spans = measured_spans(history.connection, run_id)
    return {
        name: Course(
            tuple(_series(lines.get(name, []), name, profile, spans.get(name, {}))),
            tuple(failures.get(name, ())),
            _whole(spans.get(name, {})),
        )
        for name in {*lines, *failures, *spans}
    }


def _series(
    lines: list[CourseLine], benchmark: str, profile: Profile, spans: _Spans
) -> Iterator[TimeSeries]:
    for line in lines:
        if line.metric == "started":
            yield from _planned(line, benchmark, profile, spans)
        yield drawn(line)


def _planned(
    started: CourseLine, benchmark: str, profile: Profile, spans: _Spans
) -> Iterator[TimeSeries]:
    """Yield the planned rate if every scenario that ran has one."""
    turns = outline(profile, [benchmark]) if benchmark in profile.benchmarks else []
    turns = [turn for turn in turns if turn.scenario in spans]
    if not turns or not all(turn.rate for turn in turns):
        return
    begins = {turn.scenario: _began_us(turn, benchmark, profile, spans) for turn in turns}
    points = []
    for at_s, _ in started.points:
        from_us, until_us = round(at_s * US_PER_S), round((at_s + started.every_s) * US_PER_S)
        starts = sum(
            starts_between(
                turn.rate,
                from_us - begins[turn.scenario] + turn.begins_us,
                until_us - begins[turn.scenario] + turn.begins_us,
            )
            for turn in turns
        )
        points.append((at_s, starts / started.every_s))
    title, unit, _ = _LOAD["started"]
    yield TimeSeries("planned", unit, tuple(points), panel=title, every_s=started.every_s)


def _began_us(turn: Turn, benchmark: str, profile: Profile, spans: _Spans) -> int:
    """Return when a scenario's executor began: its measured phase begins after its warm-up."""
    for _, scenarios in profile.benchmarks[benchmark].load_steps:
        if turn.scenario in scenarios:
            return spans[turn.scenario][0] - scenarios[turn.scenario].warm_up_us
    return spans[turn.scenario][0]


def drawn(line: CourseLine) -> TimeSeries:
    """Return a line with its title, its unit, and the thresholds that are drawn with it."""
    if line.metric in _VUS:
        title, unit, metrics, name = "VUs", "VUs", (line.metric,), _VUS[line.metric]
        return TimeSeries(name, unit, line.points, title, line.every_s, metrics)
    if line.operation:
        title, keys = f"service time of {line.metric}", tuple(_keys(line))
        return TimeSeries(line.name, "ms", line.points, title, line.every_s, keys)
    if line.metric in _LOAD:
        title, unit, keys = _LOAD[line.metric]
        name = line.name if line.metric in {RESPONSE, "started", "dropped"} else title
        return TimeSeries(name, unit, line.points, title, line.every_s, keys)
    return _reading(line)


def _reading(line: CourseLine) -> TimeSeries:
    unit = "percent of one core" if line.metric == _OF_A_CORE else CATALOG[line.metric].unit
    keys = (line.metric, metric_key(line.metric, written_filter({"source": line.name})))
    if unit not in _IN_MIB:
        return TimeSeries(line.name, unit, line.points, line.metric, line.every_s, keys)
    points = tuple((at_s, value / _MIB) for at_s, value in line.points)
    return TimeSeries(line.name, _IN_MIB[unit], points, line.metric, line.every_s)


def _keys(line: CourseLine) -> Iterator[str]:
    """Yield the keys of thresholds on the service time of an operation, or of all of its kind."""
    for name, metric in CATALOG.items():
        source = metric.source
        if source is None or source.value != "service_ms" or source.protocol != line.protocol:
            continue
        if not source.operations or line.operation in source.operations:
            yield name
            yield metric_key(name, written_filter({"operation": line.operation}))
            yield metric_key(name, written_filter({"scenario": line.scenario}))


def _whole(spans: _Spans) -> tuple[float, float] | None:
    if not spans:
        return None
    return (
        min(from_us for from_us, _ in spans.values()) / US_PER_S,
        max(until_us for _, until_us in spans.values()) / US_PER_S,
    )


def _failure(found: FailureKind) -> Failure:
    named = found.operation or "whole iterations"
    where = named if found.scenario == found.operation else f"{named} of {found.scenario}"
    return Failure(
        found.kind,
        where,
        found.times,
        _seconds(found.first_us),
        _seconds(found.last_us),
        found.vu,
        found.iteration,
    )


def _seconds(at_us: int | None) -> float | None:
    return None if at_us is None else at_us / US_PER_S
