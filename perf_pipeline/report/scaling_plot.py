"""The capacity over the number of units as inline SVG: points, their intervals, and the law.

Add here: another figure over the number of units. Keep out: colours (the page's style sheet).
"""

import math
from collections.abc import Iterator
from typing import Final

from perf_pipeline.analysis.scaling import ScalabilityLaw
from perf_pipeline.metrics.scaling_point import ScalingPoint
from perf_pipeline.report import wording
from perf_pipeline.report.axis import ticks, value_axis
from perf_pipeline.report.capacity_texts import rate_text
from perf_pipeline.report.pages import html_escaped as escaped
from perf_pipeline.report.scaling_texts import ScalingReport
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

SCALING: Final = "capacity over the number of units"
_LEAST_POINTS: Final = 2
_STEPS: Final = 60
_CAP: Final = 4


def scaling_plots(found: ScalingReport | None) -> Iterator[str]:
    """Draw the capacity over the number of units; nothing below two points that are known."""
    points = [point for point in found.points if math.isfinite(point.per_s)] if found else []
    if found is None or len(points) < _LEAST_POINTS:
        return
    law = found.answer.fit.law if found.answer.fit else None
    ends = [point.high_per_s for point in points if math.isfinite(point.high_per_s)]
    marks = ticks(0.0, max([*ends, *(point.per_s for point in points)]) or 1.0)
    x_marks = ticks(0.0, float(points[-1].units))
    x = AxisScale(0.0, max(x_marks[-1], points[-1].units), LEFT, RIGHT)
    y = AxisScale(0.0, max(marks), BOTTOM, TOP)
    drawn = (
        value_axis(marks, y, (LEFT, RIGHT), wording.unit_text("/s"))
        + "".join(column(x(mark), wording.number(mark)) for mark in x_marks)
        + below("units")
        + f'<g class="k1">{_curve(law, x, y)}</g>'
        + f'<g class="k0">{"".join(_dot(point, x, y) for point in points)}</g>'
    )
    key = '<span class="key k0">capacity</span>'
    if law is not None:
        key += ' <span class="key k1">Universal Scalability Law</span>'
    told = "; ".join(f"{point.units} units {rate_text(point.per_s)}" for point in points)
    yield framed(SCALING, key, f"{SCALING}: {told}", drawn)


def _curve(law: ScalabilityLaw | None, x: AxisScale, y: AxisScale) -> str:
    """Draw the law from one unit as far as the axis goes, and no higher than it."""
    if law is None:
        return ""
    units = [1 + (x.high - 1) * step / _STEPS for step in range(_STEPS + 1)]
    at = [(count, law.capacity(count)) for count in units if 0 <= law.capacity(count) <= y.high]
    return f'<path d="M{"L".join(f"{x(count):.1f} {y(per_s):.1f}" for count, per_s in at)}"/>'


def _dot(point: ScalingPoint, x: AxisScale, y: AxisScale) -> str:
    told = f"{point.units} units: {point.kind}, {rate_text(point.per_s)}"
    at, low = x(point.units), y(point.low_per_s)
    high = y(point.high_per_s) if math.isfinite(point.high_per_s) else float(TOP)
    whisker = (
        f"M{at:.1f} {low:.1f}V{high:.1f}M{at - _CAP:.1f} {low:.1f}h{2 * _CAP}"
        f"M{at - _CAP:.1f} {high:.1f}h{2 * _CAP}"
    )
    return (
        f'<path d="{whisker}"/><circle cx="{at:.1f}" cy="{y(point.per_s):.1f}" r="3">'
        f"<title>{escaped(told)}</title></circle>"
    )
