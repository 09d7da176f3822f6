"""Draw the knee of a system as inline SVG: latency, queues and CPU over the rate of the windows.

Every window is a point, and a line connects the means of the rates. Failed windows have the second
colour. Add here: another figure over the rate. Keep out: colours (the page's style sheet).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from statistics import fmean
from typing import Final

from perf_pipeline.analysis.capacity.search import Shown
from perf_pipeline.metrics.capacity_window import CapacityWindow
from perf_pipeline.report import wording
from perf_pipeline.report.axis import ticks, value_axis
from perf_pipeline.report.capacity_texts import CapacityReport, rate_text
from perf_pipeline.report.pages import html_escaped as escaped
from perf_pipeline.report.spread_frame import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    AxisScale,
    below,
    column,
    framed,
)

KNEE: Final = "p95 of the response time"
_LEAST_RATES: Final = 2
_MOST_PARTS: Final = 4
_Values = list[tuple[CapacityWindow, float]]


def knee_plots(found: CapacityReport | None) -> Iterator[str]:
    """Draw p95, growth and CPU of each part over the rate; nothing for fewer than two rates."""
    windows = [window for window in found.windows if window.shown != Shown.INVALID] if found else []
    if found is None or len({window.rate_per_s for window in windows}) < _LEAST_RATES:
        return
    capacity = found.answer.rate
    yield from _plot(KNEE, "ms", windows, lambda its: its.p95_ms, capacity)
    yield from _plot("growth of queues", "/s", windows, lambda its: its.growth_per_s, capacity)
    for part in _busiest(windows):
        yield from _plot(f"CPU of {part}", "percent", windows, _cpu_of(part), capacity)


def _busiest(windows: Sequence[CapacityWindow]) -> list[str]:
    most: dict[str, float] = {}
    for window in windows:
        for part, use in window.cpu_percent.items():
            most[part] = max(use, most.get(part, 0.0))
    return sorted(most, key=lambda part: -most[part])[:_MOST_PARTS]


def _cpu_of(part: str) -> Callable[[CapacityWindow], float]:
    return lambda window: window.cpu_percent.get(part, math.nan)


def _plot(
    what: str,
    unit: str,
    windows: Sequence[CapacityWindow],
    value: Callable[[CapacityWindow], float],
    capacity: float | None,
) -> Iterator[str]:
    """Draw one figure over the rate; nothing if hardly any window has it."""
    points = [(window, value(window)) for window in windows if math.isfinite(value(window))]
    rates = {window.rate_per_s for window, _ in points}
    if len(rates) < _LEAST_RATES:
        return
    values = [value for _, value in points]
    marks = ticks(min(0.0, *values), max(*values, 0.0) or 1.0)
    x_marks = ticks(0.0, max(rates))
    x = AxisScale(0.0, max(x_marks[-1], *rates), LEFT, RIGHT)
    y = AxisScale(min(marks), max(marks), BOTTOM, TOP)
    drawn = (
        value_axis(marks, y, (LEFT, RIGHT), wording.unit_text(unit))
        + "".join(column(x(mark), wording.number(mark)) for mark in x_marks)
        + below("starts per second")
        + _at_capacity(x, capacity)
        + f'<g class="k0">{_through_means(points, x, y)}{_dots(points, x, y, unit, Shown.HELD)}</g>'
        + f'<g class="k1">{_dots(points, x, y, unit, Shown.FAILED)}</g>'
    )
    key = '<span class="key k0">held</span> <span class="key k1">failed</span>'
    yield framed(what, key, f"{what} over the rate: {_in_words(points, unit)}", drawn)


def _in_words(points: _Values, unit: str) -> str:
    return "; ".join(
        f"{rate_text(window.rate_per_s)} {wording.quantity(value, unit)}"
        for window, value in sorted(points, key=lambda point: point[0].rate_per_s)
    )


def _through_means(points: _Values, x: AxisScale, y: AxisScale) -> str:
    by_rate = sorted(points, key=lambda point: point[0].rate_per_s)
    places = [
        f"{x(rate):.1f} {y(fmean(value for _, value in members)):.1f}"
        for rate, members in groupby(by_rate, key=lambda point: point[0].rate_per_s)
    ]
    return f'<path d="M{"L".join(places)}"/>'


def _dots(points: _Values, x: AxisScale, y: AxisScale, unit: str, shown: Shown) -> str:
    return "".join(
        f'<circle cx="{x(window.rate_per_s):.1f}" cy="{y(value):.1f}" r="3"><title>'
        f"{escaped(rate_text(window.rate_per_s))}: {escaped(wording.quantity(value, unit))}, "
        f"{window.shown}</title></circle>"
        for window, value in points
        if window.shown == shown
    )


def _at_capacity(x: AxisScale, capacity: float | None) -> str:
    if capacity is None:
        return ""
    left = x(capacity)
    return (
        f'<line x1="{left:.1f}" y1="{TOP}" x2="{left:.1f}" y2="{BOTTOM}" '
        f'stroke-dasharray="4 3"><title>capacity {escaped(rate_text(capacity))}</title></line>'
    )
