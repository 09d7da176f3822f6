"""Axes of a plot: round ticks, the axis of values, and which time series share a plot.

Add here: a rule about scales. Keep out: lines and axes of one kind of drawing (svg.py, …_plot.py).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Final

from perf_pipeline.report import wording
from perf_pipeline.report.model import TimeSeries

_MOST_LINES: Final = 16
# The line with this name is drawn only if a reader asks for it.
_MAXIMUM: Final = "max"


@dataclass(frozen=True, slots=True)
class Mark:
    """Hold an event that explains what follows it.

    Attributes:
        label: what happened.
        at_s: when it happened, in seconds since the benchmark's origin.
        drawn: the text at its line: the label, or the number of a table row that explains it.
    """

    label: str
    at_s: float
    drawn: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Hold the lines that share a plot.

    Attributes:
        title: what the lines show.
        unit: the unit of all of them.
        lines: the lines, highest first, named by what distinguishes them; series without any number
            are left out.
        left_out: how many lower lines were left out.
        bounds: label and value of each threshold on these lines, in the unit of the panel.
        marks: events that explain what follows them.
        troubled: begin and end of each period in which a fault had an effect, in seconds.
    """

    title: str
    unit: str
    lines: tuple[TimeSeries, ...]
    left_out: int = 0
    bounds: tuple[tuple[str, float], ...] = ()
    marks: tuple[Mark, ...] = ()
    troubled: tuple[tuple[float, float], ...] = ()

    @property
    def shown(self) -> tuple[TimeSeries, ...]:
        """Return the lines that are drawn initially: a maximum would flatten the percentiles."""
        usual = tuple(line for line in self.lines if line.name != _MAXIMUM)
        return usual or self.lines

    @property
    def is_telling(self) -> bool:
        """Say whether there is a value other than zero to draw."""
        return any(value for line in self.lines for _, value in finite(line))

    @property
    def silence(self) -> str:
        """Describe in words a panel that is not worth drawing."""
        nothing = f"0 {wording.unit_text(self.unit)} throughout"
        seen = nothing if self.lines else "no data"
        return f"{self.title}: {seen}"


def panels(series: Iterable[TimeSeries]) -> list[Panel]:
    """Put series of one metric and unit (`process_cpu_percent api`, `... worker`) together."""
    groups: dict[tuple[str, str], list[TimeSeries]] = {}
    for line in series:
        metric = line.panel or line.name.split(" ", maxsplit=1)[0]
        groups.setdefault((metric, line.unit), []).append(line)
    return [_panel(metric, unit, members) for (metric, unit), members in groups.items()]


def _panel(metric: str, unit: str, members: Sequence[TimeSeries]) -> Panel:
    if len(members) == 1:
        name = members[0].name
        title = name if name.startswith(metric) or not members[0].panel else f"{metric} {name}"
        return Panel(title, unit, tuple(line for line in members if finite(line)))
    named = [
        replace(line, name=line.name.removeprefix(metric).strip() or line.name) for line in members
    ]
    drawn = [line for line in named if finite(line)]
    ordered = sorted(drawn, key=highest, reverse=True)
    left_out = max(0, len(ordered) - _MOST_LINES)
    return Panel(metric, unit, tuple(ordered[:_MOST_LINES]), left_out)


def finite(series: TimeSeries) -> list[tuple[float, float]]:
    """Return the points whose time and value are numbers."""
    return [point for point in series.points if all(map(math.isfinite, point))]


def highest(series: TimeSeries) -> float:
    """Return the largest value.

    Raises:
        ValueError: no value is a number.
    """
    return max(value for _, value in finite(series))


def value_axis(
    marks: Iterable[float],
    y: Callable[[float], float],
    between: tuple[float, float],
    unit: str,
    scale: float = 1,
) -> str:
    """Draw the axis of values at the left of a drawing, with a line across it for each mark.

    Args:
        marks: the marked values, from the lowest to the highest.
        y: maps a value to its coordinate.
        between: the left and right edge of the drawing.
        unit: the unit of the values.
        scale: the factor by which marks are multiplied when written, e.g. 100 for percent.
    """
    left, right = between
    lines = "".join(
        f'<line x1="{left}" y1="{y(mark):.1f}" x2="{right}" y2="{y(mark):.1f}"/>'
        f'<text x="{left - 6}" y="{y(mark) + 4:.1f}" text-anchor="end">'
        f"{wording.number(scale * mark)}</text>"
        for mark in marks
    )
    written = escape(wording.printable(wording.unit_text(unit)))
    return f'{lines}<text x="4" y="12">{written}</text>'


def ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Return at most `most` + 1 values that cover a span: 1, 2, 2.5 or 5 times a power of ten.

    >>> ticks(0, 93), ticks(0, 14)
    ([0.0, 25.0, 50.0, 75.0, 100.0], [0.0, 5.0, 10.0, 15.0])
    """
    span = high - low or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(
        factor * power
        for factor in (1.0, 2.0, 2.5, 5.0, 10.0, 20.0)
        if math.ceil(high / (factor * power)) - math.floor(low / (factor * power)) <= most
    )
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(index * step, 12) for index in range(first, max(last, first + 1) + 1)]
