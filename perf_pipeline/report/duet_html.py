"""Render a comparison of two sides as an HTML page: the answer, a plot of intervals, the rows.

Add here: another part of the page. Keep out: words that other forms show as well (duet_words.py).
"""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from markupsafe import Markup

from perf_pipeline.analysis.duet_record import DuetRecord
from perf_pipeline.report import wording
from perf_pipeline.report.axis import ticks
from perf_pipeline.report.duet_words import (
    HEADINGS,
    DuetRow,
    facts_of,
    outcome_of,
    rows_of,
    sentences_of,
)
from perf_pipeline.report.embedded import embedded
from perf_pipeline.report.pages import html_escaped, page
from perf_pipeline.report.tables import ColumnKind, Table

_WIDTH: Final = 720
_LEFT: Final = 230
_RIGHT: Final = _WIDTH - 40  # half of the last mark extends beyond it
_MOST_MARKS: Final = 6
_ROW: Final = 26
_TOP: Final = 30
_LEAST_SPAN: Final = 0.05
_MOST_SPAN: Final = 1.0
_KINDS: Final[dict[str, ColumnKind]] = {
    heading: "number" if heading in {"baseline", "candidate", "change", "interval"} else "text"
    for heading in HEADINGS
}


def render_duet_html(record: DuetRecord) -> str:
    """Return the comparison as one HTML document; every value from outside is escaped."""
    rows = list(rows_of(record))
    return page(
        "duet.html",
        html_escaped,
        title=f"duet {record.run_id}",
        outcome=outcome_of(record),
        facts=list(facts_of(record)),
        sentences=list(sentences_of(record)),
        plot=Markup(_plot(rows)),  # noqa: S704 - every text in it is escaped
        rows=Table.of(_KINDS, (row.cells for row in rows)),
        plot_data="",
        **embedded(),
    )


def _plot(rows: Sequence[DuetRow]) -> str:
    """Draw the interval of each change on one axis, with the margin as a band behind it."""
    if not rows:
        return ""
    span = _span(rows)
    height = _TOP + _ROW * len(rows) + 24
    drawn = "".join(_interval(row, _TOP + _ROW * place, span) for place, row in enumerate(rows))
    return (
        f'<svg class="duet" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{_text(_in_words(rows))}">{_axis(span, height)}{drawn}</svg>'
    )


def _span(rows: Sequence[DuetRow]) -> float:
    """Return how far the axis extends to each side, as a round share; the rest is cut off."""
    ends = [abs(end) for row in rows for end in _ends(row) if math.isfinite(end)]
    span = min(_MOST_SPAN, max(_LEAST_SPAN, *ends, *(2 * row.compared.margin for row in rows)))
    return ticks(-span, span, _MOST_MARKS)[-1]


def _ends(row: DuetRow) -> tuple[float, float, float]:
    """Return low, estimate and high of a change as shares; infinite if there is none."""
    ratio = row.compared.ratio
    if ratio is None:
        return (-math.inf, 0.0, math.inf)
    return (ratio.low - 1 if ratio.low else -math.inf, ratio.estimate - 1, ratio.high - 1)


def _x(change: float, span: float) -> float:
    inside = min(span, max(-span, change))
    return (_LEFT + _RIGHT) / 2 + inside / span * (_RIGHT - _LEFT) / 2


def _axis(span: float, height: int) -> str:
    return "".join(
        f'<line class="{"zero" if not at else "grid"}" x1="{_x(at, span):.1f}" '
        f'x2="{_x(at, span):.1f}" y1="{_TOP - 8}" y2="{height - 22}"/>'
        f'<text x="{_x(at, span):.1f}" y="{height - 6}" text-anchor="middle">'
        f"{at * 100:{'+' if at else ''}.3g} %</text>"
        for at in ticks(-span, span, _MOST_MARKS)
    )


def _interval(row: DuetRow, top: int, span: float) -> str:
    low, estimate, high = _ends(row)
    margin, middle = row.compared.margin, top + _ROW / 2
    left, right = _x(1 / (1 + margin) - 1, span), _x(margin, span)
    verdict = row.cells[-1].lower().replace(" ", "-")
    return (
        f'<text x="{_LEFT - 8}" y="{middle + 4:.1f}" text-anchor="end">{_text(_name(row))}</text>'
        f'<rect class="margin" x="{left:.1f}" y="{top + 3}" width="{right - left:.1f}" '
        f'height="{_ROW - 6}"/>'
        f'<line class="interval {verdict}" x1="{_x(low, span):.1f}" x2="{_x(high, span):.1f}" '
        f'y1="{middle:.1f}" y2="{middle:.1f}"/>'
        f'<circle class="{verdict}" cx="{_x(estimate, span):.1f}" cy="{middle:.1f}" r="4"/>'
    )


def _name(row: DuetRow) -> str:
    operation, statistic, *_ = row.cells
    name = operation if len(operation) <= _LONGEST else f"{operation[: _LONGEST - 1]}…"
    return f"{name} {statistic}"


_LONGEST: Final = 24


def _in_words(rows: Sequence[DuetRow]) -> str:
    return "; ".join(_in_words_of(rows))


def _in_words_of(rows: Sequence[DuetRow]) -> Iterator[str]:
    for row in rows:
        operation, statistic, _, _, change, interval, _, verdict = row.cells
        yield f"{operation} {statistic} {change}, interval {interval}, {verdict}"


def _text(text: str) -> str:
    return escape(wording.printable(text))
