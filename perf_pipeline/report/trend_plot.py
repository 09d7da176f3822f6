"""Drawings of trends as inline SVG: runs, expected band, this run, dated changes of level.

Add here: another mark. Keep out: colours (the page's style sheet), lines over one benchmark's time
(svg.py).
"""

from dataclasses import dataclass
from typing import Final

from perf_pipeline.report import wording
from perf_pipeline.report.axis import ticks, value_axis
from perf_pipeline.report.pages import html_escaped as escaped
from perf_pipeline.report.pages import trend_id
from perf_pipeline.report.trend import Trend, TrendRun, change_text

_WIDTH: Final = 480
_HEIGHT: Final = 210
_LEFT: Final = 52
_RIGHT: Final = 462
_TOP: Final = 30
_BOTTOM: Final = 172
# Neighbouring changes are labelled in turn above and below, so that both can be read.
_LABEL_ROWS: Final = (25, 12)


def trend_plot(trend: Trend) -> str:
    """Draw a series over its runs.

    Raises:
        ValueError: the trend has no run.
    """
    if not trend.runs:
        raise ValueError(f"the trend of {trend.series.label} has no run")
    label = f"{trend.benchmark} {trend.series.label}"
    axes = _RunAxes.of(trend)
    parts = (_axes(axes, trend), _band(axes, trend), _line(axes, trend), _marks(axes, trend))
    return (
        f'<figure id="{trend_id(trend.benchmark, trend.series.label)}"><figcaption>'
        f"{escaped(trend.benchmark)} <b>{escaped(trend.series.label)}</b>, "
        f"{escaped(_caption(trend))}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escaped(label)} over {wording.plural(len(trend.runs), "run")}: '
        f'{escaped(_caption(trend))}">'
        f'<g class="k0">{"".join(parts)}</g></svg></figure>'
    )


def _caption(trend: Trend) -> str:
    """Say in words what the drawing shows."""
    newest = wording.quantity(trend.runs[-1].value, trend.unit)
    parts = [f"this run {newest}" if trend.has_newest else "this run has no comparable figure"]
    if trend.band is not None:
        edges = (trend.above_zero(trend.band[0]), trend.band[1])
        low, high = (wording.quantity(edge, trend.unit) for edge in edges)
        parts.append(f"expected {low} to {high}")
    parts += [
        f"{change_text(trend, change)} since {trend.runs[change.index].began_at[:10]}"
        for change in trend.changes
    ]
    return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class _RunAxes:
    """Map run numbers and values to the drawing's coordinates."""

    runs: int
    marks: tuple[float, ...]

    @classmethod
    def of(cls, trend: Trend) -> "_RunAxes":
        values = [run.value for run in trend.runs]
        low, high = min(values), max(values)
        if trend.band is not None:
            # A band of a noisy, short history may be many times as wide as all runs together.
            reach = 2 * (high - low) or abs(high) or 1.0
            low = min(low, max(trend.band[0], low - reach))
            high = max(high, min(trend.band[1], high + reach))
            low = trend.above_zero(low)
        return cls(len(values), tuple(ticks(min(0.0, low), max(0.0, high))))

    def x(self, index: int) -> float:
        if self.runs == 1:
            return (_LEFT + _RIGHT) / 2
        return _LEFT + 8 + index / (self.runs - 1) * (_RIGHT - _LEFT - 8)

    def y(self, value: float) -> float:
        bottom, top = self.marks[0], self.marks[-1]
        inside = min(max(value, bottom), top)
        return _BOTTOM - (inside - bottom) / (top - bottom) * (_BOTTOM - _TOP)


def _axes(axes: _RunAxes, trend: Trend) -> str:
    scale = 100 if trend.unit == "ratio" else 1
    rows = value_axis(axes.marks, axes.y, (_LEFT, _RIGHT), trend.unit, scale)
    first, last = trend.runs[0].began_at[:10], trend.runs[-1].began_at[:10]
    return (
        f'{rows}<text x="{_LEFT}" y="{_BOTTOM + 17}">{escaped(first)}</text>'
        f'<text x="{_RIGHT}" y="{_BOTTOM + 17}" text-anchor="end">{escaped(last)}</text>'
        f'<text x="{_RIGHT}" y="{_HEIGHT - 5}" text-anchor="end">'
        f"{wording.plural(axes.runs, 'run')}</text>"
    )


def _band(axes: _RunAxes, trend: Trend) -> str:
    if trend.band is None:
        return ""
    top, bottom = axes.y(trend.band[1]), axes.y(trend.band[0])
    return (
        f'<rect class="band" x="{_LEFT}" y="{top:.1f}" width="{_RIGHT - _LEFT}" '
        f'height="{max(bottom - top, 1):.1f}"/>'
    )


def _line(axes: _RunAxes, trend: Trend) -> str:
    points = [f"{axes.x(n):.1f} {axes.y(run.value):.1f}" for n, run in enumerate(trend.runs)]
    path = f'<path d="M{"L".join(points)}"/>' if len(points) > 1 else ""
    radii = [2] * len(points)
    radii[-1] = 5 if trend.has_newest else 2
    dots = "".join(
        f'<circle cx="{axes.x(n):.1f}" cy="{axes.y(run.value):.1f}" r="{radii[n]}">'
        f"<title>{escaped(_tip(trend, run))}</title></circle>"
        for n, run in enumerate(trend.runs)
    )
    return path + dots


def _tip(trend: Trend, run: TrendRun) -> str:
    when = wording.minute(run.began_at)
    named = f"{run.run_id}, {run.version}" if run.version else run.run_id
    return f"{named}, {when}: {wording.quantity(run.value, trend.unit)}"


def _marks(axes: _RunAxes, trend: Trend) -> str:
    return "".join(_mark(axes, trend, n) for n in range(len(trend.changes)))


def _mark(axes: _RunAxes, trend: Trend, number: int) -> str:
    change = trend.changes[number]
    x = axes.x(change.index)
    anchor = "end" if x > (_LEFT + _RIGHT) / 2 else "start"
    day = trend.runs[change.index].began_at[:10]
    return (
        f'<line class="change" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_BOTTOM}"/>'
        f'<text class="change" x="{x:.1f}" y="{_LABEL_ROWS[number % 2]}" text-anchor="{anchor}">'
        f"{escaped(day)} {escaped(change_text(trend, change))}</text>"
    )
