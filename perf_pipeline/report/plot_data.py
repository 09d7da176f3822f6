"""The values of all plots as JSON inside the page, which scripts/plots.js draws from.

All plots of a benchmark share the moments of its first and last point and a step, so that one
cursor stands at one moment in all of them. A value that nobody has is null, and a gap (too few
values carry a percentile) is an empty text.

Add here: another fact that a plot needs in a browser. Keep out: drawing.
"""

import json
import math
from collections.abc import Sequence

from markupsafe import Markup

from perf_pipeline.report.axis import Panel
from perf_pipeline.report.model import BenchmarkReport, TimeSeries

Json = dict[str, object]


def plots_of(benchmark: BenchmarkReport, panels: Sequence[Panel]) -> Json:
    """Return the plots of a benchmark, as `panels_as_json` does."""
    return panels_as_json(panels, benchmark.measured_between_s)


def panels_as_json(panels: Sequence[Panel], measured_between_s: tuple[float, float] | None) -> Json:
    """Return plots that share their time: moments, measured phase, and a list of panels.

    Args:
        panels: in the order in which the page has them.
        measured_between_s: begin and end of the measured phase; None shades nothing.
    """
    lines = [line for panel in panels for line in panel.lines]
    marks = (mark for panel in panels for mark in panel.marks)
    times = [at_s for line in lines for at_s, _ in line.points]
    step_s = min((line.every_s for line in lines if line.every_s), default=1.0)
    from_s = min(times, default=0.0)
    count = round((max(times, default=0.0) - from_s) / step_s) + 1
    return {
        "from": from_s,
        "step": step_s,
        "count": count,
        "measured": measured_between_s,
        "troubled": list(dict.fromkeys(span for panel in panels for span in panel.troubled)),
        "marks": [(mark.drawn, mark.at_s) for mark in dict.fromkeys(marks)],
        "panels": [
            {
                "unit": panel.unit,
                "hidden": [line not in panel.shown for line in panel.lines],
                "names": [line.name for line in panel.lines],
                "wide": [max(1, round(line.every_s / step_s)) for line in panel.lines],
                "values": [values_of(line, from_s, step_s, count) for line in panel.lines],
                "bounds": panel.bounds,
            }
            for panel in panels
        ],
    }


def as_script(data: Sequence[Json]) -> Markup:
    """Write data as JSON that no text in it can end."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704 - nothing in it is markup any more


def values_of(
    line: TimeSeries, from_s: float, step_s: float, count: int
) -> list[float | int | str | None]:
    """Return a line's value at each of `count` moments; missing values at the end are left out."""
    values: list[float | int | str | None] = [None] * count
    for at_s, value in line.points:
        place = round((at_s - from_s) / step_s)
        values[place] = _short(value) if math.isfinite(value) else ""
    while values and values[-1] is None:
        values.pop()
    return values


def _short(value: float) -> float | int:
    """Keep four digits, which are more than a plot shows."""
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() else rounded
