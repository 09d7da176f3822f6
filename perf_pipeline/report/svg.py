"""Time series as one inline SVG: axes with units, several lines with a legend.

Add here: another kind of plot. Keep out: colours (the page's style sheet), scales (axis.py) and
statistics.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Final

from perf_pipeline.report import wording
from perf_pipeline.report.axis import Mark, Panel, finite, highest, ticks, value_axis

_WIDTH: Final = 480
_HEIGHT: Final = 210
_LEFT: Final = 52
_RIGHT: Final = 470
_TOP: Final = 22
_BOTTOM: Final = 172
_MOST_POINTS: Final = 240
# A bound is drawn to scale up to so many times the highest value, as in scripts/plots.js.
_MOST_ABOVE: Final = 3.0
_MOST_X_TICKS: Final = 7
_COLORS: Final = 8

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class FigurePlace:
    """Say where a page has a figure.

    Attributes:
        anchor: its id.
        data: where the page's data has its lines: `benchmark.panel`, by number.
        notes: target and text of links below its name.
        is_growing: its lines are not complete, so that their highest values are not told.
    """

    anchor: str
    data: str
    notes: tuple[tuple[str, str], ...] = ()
    is_growing: bool = False


def plot(
    panel: Panel,
    span: Point | None = None,
    measured: Point | None = None,
    place: FigurePlace | None = None,
) -> str:
    """Draw a panel from zero (or the lowest negative value) up; values that are no number are gaps.

    If there is nothing to draw, or only zeros, a sentence is given instead.

    Args:
        panel: its lines.
        span: first and last second of the time axis; the lines' own when None.
        measured: start and end of the measured phase; everything outside it is shaded.
        place: where the page has the figure; None for a figure that nobody links to.
    """
    title = _text(panel.title)
    values = [value for line in panel.shown for _, value in finite(line)]
    if not panel.is_telling:
        return f"<figure><figcaption>{_text(panel.silence)}</figcaption></figure>"
    highest_drawn = max(0.0, *values, *_near(panel.bounds, max(0.0, *values)))
    axes = _TimeAxes.of(span or span_of([panel]), (min(0.0, *values), highest_drawn))
    opened, name = "<figure>", f"<b>{title}</b>"
    if place is not None:
        opened = f'<figure id="{_text(place.anchor)}" data-plot="{_text(place.data)}">'
        name = f'<a class="title" href="#{_text(place.anchor)}">{name}</a>'
    return (
        f"{opened}<figcaption>{name}{_legend(panel, place)}{_notes(place)}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{_text(_in_words(panel, axes, place))}">'
        f"{_outside(axes, measured)}{_troubled(axes, panel.troubled)}"
        f"{_axes(axes, panel.unit)}{_lines(panel, axes)}"
        f"{_bounds(axes, panel.bounds)}{_marks(axes, panel.marks)}</svg></figure>"
    )


def _in_words(panel: Panel, axes: "_TimeAxes", place: FigurePlace | None) -> str:
    """Say what the drawing shows to somebody who does not see it."""
    title = f"{panel.title} in {wording.unit_text(panel.unit)} over time"
    if place is not None and place.is_growing:
        return title
    lines = (
        f"{line.name} {wording.number(min(value for _, value in finite(line)))} to "
        f"{wording.number(highest(line))}"
        for line in panel.lines
    )
    begin, end = (wording.seconds(at_s) for at_s in (axes.from_s, axes.to_s))
    parts = [
        f"{title}, {begin} to {end}: {', '.join(lines)}",
        *(f"threshold {label}" for label, _ in panel.bounds),
        *(f"{mark.label} at {wording.seconds(mark.at_s)}" for mark in panel.marks),
    ]
    return "; ".join(parts)


def _notes(place: FigurePlace | None) -> str:
    notes = place.notes if place is not None else ()
    return "".join(f' <a href="#{_text(to)}">{_text(text)}</a>' for to, text in notes)


def _near(bounds: Sequence[tuple[str, float]], top: float) -> list[float]:
    """Return the bounds that fit into a plot without flattening its lines."""
    return [value for _, value in bounds if value <= _MOST_ABOVE * top]


def _outside(axes: "_TimeAxes", measured: Point | None) -> str:
    """Shade the warm-up and what came after the end of the load."""
    if measured is None:
        return ""
    inside = [min(max(at_s, axes.from_s), axes.to_s) for at_s in measured]
    spans = ((_LEFT, axes.x(inside[0])), (axes.x(inside[1]), _RIGHT))
    return "".join(
        f'<rect class="outside" x="{begin:.1f}" y="{_TOP}" width="{end - begin:.1f}" '
        f'height="{_BOTTOM - _TOP}"/>'
        for begin, end in spans
        if end - begin >= 1
    )


def _troubled(axes: "_TimeAxes", stretches: Sequence[Point]) -> str:
    """Shade the time from the start of a fault to the recovery."""
    drawn = []
    for stretch in stretches:
        begin, end = (axes.x(min(max(at_s, axes.from_s), axes.to_s)) for at_s in stretch)
        drawn.append(
            f'<rect class="troubled" x="{begin:.1f}" y="{_TOP}" '
            f'width="{max(1.0, end - begin):.1f}" height="{_BOTTOM - _TOP}"/>'
        )
    return "".join(drawn)


def _bounds(axes: "_TimeAxes", bounds: Sequence[tuple[str, float]]) -> str:
    """Draw the thresholds; one far above the lines is named at the upper edge."""
    drawn = []
    for number, (label, value) in enumerate(bounds):
        if axes.marks[0] <= value <= axes.marks[-1]:
            y = axes.y(value)
            drawn.append(
                f'<line class="bound" x1="{_LEFT}" y1="{y:.1f}" x2="{_RIGHT}" y2="{y:.1f}"/>'
                f'<text class="bound" x="{_RIGHT}" y="{y - 3:.1f}" text-anchor="end">'
                f"{_text(label)}</text>"
            )
        else:
            drawn.append(
                f'<text class="bound" x="{_RIGHT}" y="{_TOP + 11 + 13 * number}" '
                f'text-anchor="end">{_text(label)} \N{UPWARDS ARROW}</text>'
            )
    return "".join(drawn)


def _marks(axes: "_TimeAxes", marks: Sequence[Mark]) -> str:
    """Draw the moments that explain what follows; their names stand inside the plot."""
    drawn = []
    for mark in marks:
        x = axes.x(min(max(mark.at_s, axes.from_s), axes.to_s))
        anchor, gap = ("end", -4) if x > (_LEFT + _RIGHT) / 2 else ("start", 4)
        drawn.append(
            f'<line class="change" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_BOTTOM}"/>'
            f'<text class="change" x="{x + gap:.1f}" y="{_BOTTOM - 6}" text-anchor="{anchor}">'
            f"{_text(mark.drawn)}</text>"
        )
    return "".join(drawn)


def span_of(panels: Sequence[Panel]) -> Point:
    """Return the first and the last second of all lines; (0, 1) without any."""
    seconds = [at_s for panel in panels for line in panel.lines for at_s, _ in finite(line)]
    return (min(0.0, *seconds), max(seconds)) if seconds else (0.0, 1.0)


def _text(text: str) -> str:
    return escape(wording.printable(text))


def _legend(panel: Panel, place: FigurePlace | None) -> str:
    """Name each line with its highest value, in words for those who see no colours."""
    unit = _text(wording.unit_text(panel.unit))
    is_growing = place is not None and place.is_growing
    if len(panel.lines) == 1:
        top = wording.quantity(highest(panel.lines[0]), panel.unit)
        return f" in {unit}" if is_growing else f", highest {_text(top)}"
    keys = (
        f'<span class="key k{index % _COLORS}">{_text(line.name)}'
        f"{'' if is_growing else f' {_text(wording.number(highest(line)))}'}</span>"
        for index, line in enumerate(panel.lines)
    )
    more = f" and {panel.left_out:,} lower lines" if panel.left_out else ""
    told = f" in {unit}{'' if is_growing else ', highest'}"
    return f'{told}: <span class="legend">{" ".join(keys)}</span>{more}'


@dataclass(frozen=True, slots=True)
class _TimeAxes:
    """Map seconds and values to the drawing's coordinates."""

    from_s: float
    to_s: float
    marks: tuple[float, ...]

    @classmethod
    def of(cls, span: Point, values: Point) -> "_TimeAxes":
        return cls(span[0], span[1] if span[1] > span[0] else span[0] + 1.0, tuple(ticks(*values)))

    def x(self, at_s: float) -> float:
        return _LEFT + (at_s - self.from_s) / (self.to_s - self.from_s) * (_RIGHT - _LEFT)

    def y(self, value: float) -> float:
        bottom, top = self.marks[0], self.marks[-1]
        return _BOTTOM - (value - bottom) / (top - bottom) * (_BOTTOM - _TOP)

    def __call__(self, point: Point) -> str:
        return f"{self.x(point[0]):.1f} {self.y(point[1]):.1f}"


def _axes(axes: _TimeAxes, unit: str) -> str:
    rows = value_axis(axes.marks, axes.y, (_LEFT, _RIGHT), unit)
    columns = "".join(
        f'<text x="{axes.x(at_s):.1f}" y="{_BOTTOM + 16}" text-anchor="middle">'
        f"{wording.number(at_s)}</text>"
        for at_s in ticks(axes.from_s, axes.to_s, _MOST_X_TICKS)
        if axes.from_s <= at_s <= axes.to_s
    )
    return f'{rows}{columns}<text x="{_RIGHT}" y="{_HEIGHT - 6}" text-anchor="end">time in s</text>'


def _lines(panel: Panel, axes: _TimeAxes) -> str:
    # The first line is the one that is read first: drawn last, it lies on top.
    return "".join(
        f'<g class="k{index % _COLORS}">'
        f"{''.join(_piece(piece, axes) for piece in _pieces(line.points))}</g>"
        for index, line in reversed(list(enumerate(panel.lines)))
        if line in panel.shown
    )


def _pieces(points: Sequence[Point]) -> list[list[Point]]:
    groups = groupby(points, key=lambda point: all(map(math.isfinite, point)))
    return [thinned(list(piece)) for is_finite, piece in groups if is_finite]


def _piece(points: Sequence[Point], axes: _TimeAxes) -> str:
    if len(points) == 1:
        x, y = axes(points[0]).split()
        return f'<circle cx="{x}" cy="{y}" r="2"/>'
    return f'<path d="M{"L".join(map(axes, points))}"/>'


def thinned(points: Sequence[Point], most: int = _MOST_POINTS) -> list[Point]:
    """Keep at most `most` points, the lowest and the highest of each stretch, so that peaks stay.

    >>> thinned([(0, 1), (1, 9), (2, 1), (3, 0), (4, 5), (5, 5)], most=4)
    [(0, 1), (1, 9), (3, 0), (4, 5)]
    """
    if len(points) <= most:
        return list(points)
    size = math.ceil(len(points) / (most // 2))
    kept: list[Point] = []
    for start in range(0, len(points), size):
        stretch = points[start : start + size]
        lowest = min(stretch, key=lambda point: point[1])
        highest_of = max(stretch, key=lambda point: point[1])
        kept += sorted({lowest, highest_of})
    return kept
