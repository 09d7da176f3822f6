"""One time series as an inline SVG, with its extremes written down.

Add here: another kind of plot. Keep out: colours (the page's style sheet) and statistics.
"""

import math
from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import Final

from perf_pipeline.report import wording
from perf_pipeline.report.model import TimeSeries

_WIDTH: Final = 480
_HEIGHT: Final = 140
_LEFT: Final = 8
_TOP: Final = 18
_BOTTOM: Final = 122
_MOST_POINTS: Final = 600

Point = tuple[float, float]


def plot(series: TimeSeries) -> str:
    """Draw a line from zero (or the lowest negative value) up; values that are no number are gaps.

    A series without any number gives a sentence instead.
    """
    name = escape(wording.printable(series.name))
    finite = [point for point in series.points if all(map(math.isfinite, point))]
    if not finite:
        return f"<figure><figcaption>{name}: no data</figcaption></figure>"
    top = max(value for _, value in finite)
    bottom = min(0.0, *(value for _, value in finite))
    ends = (finite[0][0], finite[-1][0])
    place = _Place(ends, bottom, top)
    highest = escape(wording.quantity(top, series.unit))
    lowest = escape(wording.quantity(bottom, series.unit))
    return (
        f"<figure><figcaption>{name}, highest {highest}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{name}">'
        f'<line x1="{_LEFT}" y1="{_TOP}" x2="{_WIDTH}" y2="{_TOP}"/>'
        f'<line x1="{_LEFT}" y1="{_BOTTOM}" x2="{_WIDTH}" y2="{_BOTTOM}"/>'
        f"{''.join(_piece(piece, place) for piece in _pieces(series.points))}"
        f'<text x="{_LEFT}" y="{_TOP - 5}">{highest}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 5}">{wording.number(ends[0])} s, from {lowest}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT - 5}" text-anchor="end">{wording.number(ends[1])} s</text>'
        "</svg></figure>"
    )


class _Place:
    """Map seconds and values to the drawing's coordinates."""

    __slots__ = ("_bottom", "_from_s", "_height", "_span_s")

    def __init__(self, ends: Point, bottom: float, top: float) -> None:
        self._from_s = ends[0]
        self._span_s = (ends[1] - ends[0]) or 1.0
        self._bottom = bottom
        self._height = (top - bottom) or 1.0

    def __call__(self, point: Point) -> str:
        x = _LEFT + (point[0] - self._from_s) / self._span_s * (_WIDTH - _LEFT)
        y = _BOTTOM - (point[1] - self._bottom) / self._height * (_BOTTOM - _TOP)
        return f"{x:.1f} {y:.1f}"


def _pieces(points: Sequence[Point]) -> list[list[Point]]:
    groups = groupby(points, key=lambda point: all(map(math.isfinite, point)))
    return [thinned(list(piece)) for is_finite, piece in groups if is_finite]


def _piece(points: Sequence[Point], place: _Place) -> str:
    if len(points) == 1:
        x, y = place(points[0]).split()
        return f'<circle cx="{x}" cy="{y}" r="2"/>'
    return f'<path d="M{"L".join(map(place, points))}"/>'


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
        highest = max(stretch, key=lambda point: point[1])
        kept += sorted({lowest, highest})
    return kept
