"""Show a benchmark while it runs, as lines over time: its progress and its readings.

Titles and units are those of the report if the figure is the same (judging/course.py).

Add here: a line that follows from the progress. Keep out: files, and how lines are drawn (report/).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final

from perf_pipeline.judging.course import drawn
from perf_pipeline.report.model import TimeSeries
from perf_pipeline.report.wording import plural
from perf_pipeline.store.records import RunKey
from perf_pipeline.store.timeline import DRAWN_READINGS, CourseLine
from perf_pipeline.units import US_PER_S

MOST_POINTS: Final = 1_800
"""Of a line; beyond that a point stands for several seconds."""

_PER_S: Final = "1/s"
_VUS: Final = "VUs"
# The start of a step is repeated each second; if it differs by more, it belongs to another step.
_SAME_STEP_S: Final = 0.5
# Scenarios with a plot of their own; in those that they share, the highest lines are drawn.
_MOST_DRAWN: Final = 12
_PERCENTILES: Final = ("p50", "p95", "p99")
_WINDOW: Final = re.compile(r"(?:n(\d+))?([wl])(\d+)")

Scenario = Mapping[str, Any]


@dataclass(slots=True)
class GrowingLine:
    """Hold a line that grows.

    Attributes:
        panel: title of the plot that it shares.
        unit: the unit of its values.
        name: what tells it from the other lines of the plot.
        values: by second since the benchmark's origin.
        span_s: the first and the last second; None without values.
        is_telling: one of them is not zero.
    """

    panel: str
    unit: str
    name: str
    values: dict[int, float] = field(default_factory=dict)
    span_s: tuple[int, int] | None = None
    is_telling: bool = False

    def note(self, second: int, value: float) -> None:
        """Take in the value of a second."""
        self.values[second] = value
        first_s, last_s = self.span_s or (second, second)
        self.span_s = min(first_s, second), max(last_s, second)
        self.is_telling = self.is_telling or value != 0

    def series(self, step_s: int, since_s: int | None = None) -> TimeSeries:
        """Return it as a line of a plot; a step has the mean of rates, the highest of the rest."""
        steps: dict[int, list[float]] = {}
        for second, value in self.values.items():
            if since_s is None or second >= since_s:
                steps.setdefault(second // step_s * step_s, []).append(value)
        fold = _mean if self.unit == _PER_S else max
        points = tuple((float(step), fold(steps[step])) for step in sorted(steps))
        return TimeSeries(self.name, self.unit, points, self.panel, float(step_s))


def window_words(label: str) -> str:
    """Say which load of a search a label means (runs/searching.py).

    >>> window_words("w3"), window_words("l1"), window_words("n2w12")
    ('window 3', 'light load 1', 'window 12 with 2 units')
    """
    found = _WINDOW.fullmatch(label)
    if found is None:
        return label
    units, kind, number = found.groups()
    which = f"{'window' if kind == 'w' else 'light load'} {number}"
    return f"{which} with {plural(int(units), 'unit')}" if units else which


class Take:
    """Gather what is known of one benchmark of a run while it runs.

    Attributes:
        key: the key of the benchmark.
        label: names it among those of its run.
        scenarios: the newest figures of each.
        elapsed_s: since the load of the present step began.
        version: how often something new was taken in.

    Args:
        key: the key of the benchmark.
        again: how often the run had measured it before.
        window: what tells a load of a search from the others, such as `w3`; empty for no such load.
    """

    def __init__(self, key: RunKey, again: int = 0, window: str = "") -> None:
        self.key = key
        which = window_words(window) if window else f"re-run {again}" if again else ""
        self.label = f"{key.benchmark}, {which}" if which else key.benchmark
        self.scenarios: list[Scenario] = []
        self.elapsed_s = 0.0
        self.version = 0
        self._lines: dict[tuple[str, str], GrowingLine] = {}
        self._readings: dict[tuple[str, str], tuple[GrowingLine, float] | None] = {}
        self._begin_s = float("-inf")
        self._second = 0
        self._earlier: dict[str, int] = {}

    @property
    def ways(self) -> dict[str, int]:
        """Return how operations of the present step failed, the most frequent way first."""
        found: dict[str, int] = {}
        for scenario in self.scenarios:
            for way, count in scenario["ways"].items():
                found[way] = found.get(way, 0) + count
        return dict(sorted(found.items(), key=lambda way: -way[1]))

    @property
    def span_s(self) -> tuple[int, int]:
        """Return the first and the last second of all lines; (0, 0) without any."""
        spans = [line.span_s for line in self._lines.values() if line.span_s is not None]
        return (min(a for a, _ in spans), max(b for _, b in spans)) if spans else (0, 0)

    @property
    def step_s(self) -> int:
        """Return for how many seconds a point stands."""
        begin, end = self.span_s
        return ceil((end - begin + 1) / MOST_POINTS)

    @property
    def shape(self) -> tuple[object, ...]:
        """Return what the plots are, without their values: equal as long as they only grow."""
        lines = ((line.panel, line.name, line.is_telling) for line in self._lines.values())
        return (self.step_s, *lines)

    def series(self, since_s: int | None = None) -> list[TimeSeries]:
        """Return all lines, those without points since then as well."""
        step_s = self.step_s
        return [self._lines[key].series(step_s, since_s) for key in self._ordered]

    @property
    def _ordered(self) -> list[tuple[str, str]]:
        """Return the lines of the load as they came, then readings in the report's order."""
        places = {name: place for place, name in enumerate((_VUS, *DRAWN_READINGS), 1)}
        return sorted(self._lines, key=lambda key: places.get(key[0], 0))

    def add_progress(self, figures: Mapping[str, Any]) -> None:
        """Take in the progress of one second."""
        self.version += 1
        elapsed_s = figures["elapsed_s"]
        begin_s = figures["benchmark_s"] - elapsed_s
        if abs(begin_s - self._begin_s) > _SAME_STEP_S:
            self._begin_s, self._second, self._earlier = begin_s, 0, {}
        passed_s = max(1, round(elapsed_s) - self._second)
        self._second = round(elapsed_s)
        self.elapsed_s, self.scenarios = elapsed_s, list(figures["scenarios"])
        at_s = int(self._begin_s) + max(0, self._second - 1)
        for panel, unit, name, value in self._told(passed_s):
            self._line(panel, unit, name).note(at_s, value)

    def add_readings(self, rows: Iterable[tuple[int, str, str, float]]) -> None:
        """Take in readings: µs since the origin, source, name, value."""
        for at_us, source, name, value in rows:
            self.version += 1
            if (name, source) not in self._readings:
                self._readings[name, source] = self._line_of_reading(name, source)
            found = self._readings[name, source]
            if found is not None:
                line, scale = found
                line.note(at_us // US_PER_S, value * scale)

    def _line(self, panel: str, unit: str, name: str) -> GrowingLine:
        return self._lines.setdefault((panel, name), GrowingLine(panel, unit, name))

    def _line_of_reading(self, name: str, source: str) -> tuple[GrowingLine, float] | None:
        """Return the line and the factor of a reading that reports draw; None for any other."""
        is_of_all = not source or name not in DRAWN_READINGS[:3]
        if name not in DRAWN_READINGS or "/" in source or not is_of_all:
            return None
        one = drawn(CourseLine("", name, source or name, 1.0, ((0.0, 1.0),)))
        return self._line(one.panel, one.unit, one.name), one.points[0][1]

    def _told(self, passed_s: int) -> Iterator[tuple[str, str, str, float]]:
        """Yield title, unit, name and value of each point of the second."""
        running = [scenario for scenario in self.scenarios if scenario["begins_in_s"] <= 0]
        yield from self._rates(running)
        for scenario in running:
            yield from self._counts(scenario, passed_s)
            yield "latest start", "ms", scenario["name"], scenario["recent_lag_ms"]

        for scenario in self.scenarios[:_MOST_DRAWN]:
            for name in _PERCENTILES:
                if (value := scenario[f"recent_{name}_ms"]) is not None:
                    yield f"service time of {scenario['name']}", "ms", name, value

    def _rates(self, running: list[Scenario]) -> Iterator[tuple[str, str, str, float]]:
        """Yield what ended and what was planned: of each scenario, and of all together."""
        title, are_several = "iterations", len(self.scenarios) > 1
        for scenario in running:
            yield (
                title,
                _PER_S,
                scenario["name"] if are_several else "ended",
                scenario["recent_per_s"],
            )
            if are_several and scenario["planned_per_s"] is not None:
                yield title, _PER_S, f"{scenario['name']} planned", scenario["planned_per_s"]
        planned = [scenario["planned_per_s"] for scenario in self.scenarios]
        if are_several:
            yield title, _PER_S, "all", sum(scenario["recent_per_s"] for scenario in running)
        if all(rate is not None for rate in planned):
            yield title, _PER_S, "all planned" if are_several else "planned", sum(planned)

    def _counts(self, one: Scenario, passed_s: int) -> Iterator[tuple[str, str, str, float]]:
        name = one["name"]
        failed = self._since(f"{name} failed", one["failed"])
        ended = failed + self._since(f"{name} ok", one["ok"])
        dropped = self._since(f"{name} dropped", one["dropped_iterations"])
        yield "operations that ended", _PER_S, name, ended / passed_s
        if ended:
            yield "operations that failed", "percent", name, 100.0 * failed / ended
        yield "starts that were dropped", _PER_S, name, dropped / passed_s

    def _since(self, what: str, count: int) -> int:
        before, self._earlier[what] = self._earlier.get(what, 0), count
        return count - before


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
