"""Draw a distribution as inline SVG: a histogram and the percentiles, both on a log axis.

Bars and points show their values when the mouse rests on them. Add here: another drawing of a
distribution. Keep out: colours (the page's style sheet), and lines over time (svg.py).
"""

import math
from collections.abc import Iterator
from typing import Final

from perf_pipeline.report import wording
from perf_pipeline.report.axis import ticks, value_axis
from perf_pipeline.report.distribution import Bar, Distribution, Spread
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

_FEW_DECADES: Final = 2.0


def histogram_plot(found: Distribution) -> str:
    """Draw a histogram of the values, with that of the baseline as an outline."""
    spreads = [found.now, *([found.before] if found.before else [])]
    bars = [bar for spread in spreads for bar in spread.bars]
    if not bars:
        return ""
    x = AxisScale(
        min(bar.low for bar in bars), max(bar.high for bar in bars), LEFT, RIGHT, is_log=True
    )
    marks = ticks(0.0, 100 * max(bar.share for bar in bars))
    y = AxisScale(0.0, marks[-1], BOTTOM, TOP)
    drawn = "".join(_bar(bar, x, y, found.unit) for bar in found.now.bars)
    outline = "" if found.before is None else _outline(found.before, x, y)
    title = f"distribution of {found.metric}"
    return _figure(
        title,
        found,
        f"{value_axis(marks, y, (LEFT, RIGHT), '% of values')}{''.join(_columns(x, found.unit))}"
        f'<g class="k0">{drawn}</g><g class="k1">{outline}</g>',
    )


def spectrum_plot(found: Distribution) -> str:
    """Draw the value of each percentile, with the same width for each further nine."""
    spreads = [found.now, *([found.before] if found.before else [])]
    values = [value for spread in spreads for _, value in spread.percentiles if value > 0]
    if not values:
        return ""
    low, high = min(values), max(values)
    y = AxisScale(low, high if high > low else 2 * low, BOTTOM, TOP, is_log=True)
    widest = max(_nines(spread) for spread in spreads)
    x = AxisScale(0.0, widest, LEFT, RIGHT)
    lines = "".join(
        f'<g class="k{number}">{_curve(spread, x, y, found.unit)}</g>'
        for number, spread in reversed(list(enumerate(spreads)))
    )
    marks = [mark for mark in _log_marks(y.low, y.high) if y.low <= mark <= y.high]
    rows = value_axis(marks, y, (LEFT, RIGHT), found.unit)
    return _figure(
        f"percentiles of {found.metric}",
        found,
        f"{rows}{''.join(_percent_columns(x, widest))}{lines}",
    )


def _figure(title: str, found: Distribution, drawn: str) -> str:
    now, before = found.names
    key = f'<span class="key k0">{now}, {wording.plural(found.now.count, "value")}</span>'
    if found.before is not None:
        key += f' <span class="key k1">{before}, {wording.plural(found.runs, "run")}</span>'
    return framed(title, key, f"{title}: {_in_words(found)}", drawn)


def _in_words(found: Distribution) -> str:
    """Describe the percentiles for readers who can't see the drawing."""
    spreads = zip(found.names, (found.now, found.before), strict=True)
    return "; ".join(
        f"{name} "
        + ", ".join(
            f"{_named(percent)} {wording.quantity(value, found.unit)}"
            for percent, value in spread.percentiles
        )
        for name, spread in spreads
        if spread is not None
    )


def _bar(bar: Bar, x: AxisScale, y: AxisScale, unit: str) -> str:
    left, right, top = x(bar.low), x(bar.high), y(100 * bar.share)
    edges = f"{wording.quantity(bar.low, unit)} to {wording.quantity(bar.high, unit)}"
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{max(right - left - 0.5, 0.5):.1f}" '
        f'height="{BOTTOM - top:.1f}"><title>{escaped(edges)}: '
        f"{wording.quantity(bar.share, 'ratio')}</title></rect>"
    )


def _outline(spread: Spread, x: AxisScale, y: AxisScale) -> str:
    steps: list[str] = []
    end = None
    for bar in spread.bars:
        left, right, top = x(bar.low), x(bar.high), y(100 * bar.share)
        if end is None or left - end > 1:
            steps += [f"L{end:.1f} {BOTTOM}"] if end is not None else []
            steps.append(f"M{left:.1f} {BOTTOM}")
        steps.append(f"L{left:.1f} {top:.1f}L{right:.1f} {top:.1f}")
        end = right
    return f'<path d="{"".join(steps)}L{end:.1f} {BOTTOM}"/>' if end is not None else ""


def _curve(spread: Spread, x: AxisScale, y: AxisScale, unit: str) -> str:
    # The maximum is drawn at its share of all values.
    points = [
        (x(_place(percent, spread)), y(value), percent, value)
        for percent, value in spread.percentiles
        if value > 0
    ]
    path = "L".join(f"{left:.1f} {top:.1f}" for left, top, _, _ in points)
    dots = "".join(
        f'<circle cx="{left:.1f}" cy="{top:.1f}" r="2.5"><title>'
        f"{escaped(_named(percent))}: {escaped(wording.quantity(value, unit))}</title></circle>"
        for left, top, percent, value in points
    )
    return f'<path d="M{path}"/>{dots}' if len(points) > 1 else dots


def _named(percent: float) -> str:
    return "maximum" if percent == 100 else f"p{percent:g}"


def _place(percent: float, spread: Spread) -> float:
    """Return how many nines a percentile has: 90 % is 1, 99 % is 2."""
    return _nines(spread) if percent == 100 else -math.log10(1 - percent / 100)


def _nines(spread: Spread) -> float:
    return max(math.log10(max(spread.count, 2)), 0.5)


def _percent_columns(x: AxisScale, widest: float) -> Iterator[str]:
    for percent in (0, 50, 90, 99, 99.9, 99.99, 99.999):
        place = -math.log10(1 - percent / 100)
        if place <= widest:
            yield column(x(place), f"{percent:g} %")


def _columns(x: AxisScale, unit: str) -> Iterator[str]:
    for mark in _log_marks(x.low, x.high):
        if x.low <= mark <= x.high:
            yield column(x(mark), wording.number(mark))
    yield below(unit)


def _log_marks(low: float, high: float) -> list[float]:
    """Return powers of ten, with 2 and 5 in between if there are few.

    >>> _log_marks(0.5, 20)
    [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0]
    """
    decades = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    factors = (1, 2, 5) if math.log10(high / low) <= _FEW_DECADES else (1,)
    return [float(f"{factor}e{decade}") for decade in decades for factor in factors]
