"""The pieces of the HTML page: escaped text, statuses, tables, foldable parts.

Add here: a piece that two sections need. Keep out: what a section says (html.py).
"""

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from perf_pipeline.report import wording
from perf_pipeline.report.why import Trouble

_GOOD: Final = frozenset({"PASS", "OK", "IMPROVED", "COMPLETED"})
_NEUTRAL: Final = frozenset({"LEARNING", "NOT_APPLICABLE", "CEILING", "NOTE"})
_CARE: Final = frozenset(
    {"WARN", "SUSPECT", "NOTICE", "ENVIRONMENT_CHANGED", "FOUND", "NOT_SHOWN", "PROBLEM", "CHANGED"}
)


class Markup(str):
    """Mark a text that is HTML already; every other one is escaped."""

    __slots__ = ()


def text(value: str) -> str:
    """Escape a text; one that is Markup stays as it is."""
    return value if isinstance(value, Markup) else escape(wording.printable(value))


def name(value: str) -> Markup:
    """Escape a metric's name and let it break before its filter and after an underscore."""
    return Markup(text(value).replace("_", "_<wbr>").replace("{", "<wbr>{"))


def status(word: str) -> Markup:
    """Colour a status, which stays a word."""
    return Markup(f'<span class="status {kind(word)}">{text(wording.words(word))}</span>')


def kind(word: str) -> str:
    """Give the style class of a status: good, soft, care or bad."""
    if word in _NEUTRAL:
        return "soft"
    if word in _GOOD:
        return "good"
    return "care" if word in _CARE else "bad"


def anchor(title: str) -> str:
    """Turn a title into the id of its section.

    >>> anchor("Against the baseline")
    'against-the-baseline'
    """
    return re.sub(r"[^a-z0-9_]+", "-", title.lower()).strip("-") or "section"


def section(title: str, body: str) -> str:
    """Give a section that the table of contents can lead to; nothing without a body."""
    if not body:
        return ""
    return f'<section id="{anchor(title)}"><h2>{text(title)}</h2>{body}</section>'


def folded(summary: str, body: str, *, is_open: bool = False) -> str:
    """Give a part that folds away; nothing without a body."""
    if not body:
        return ""
    state = " open" if is_open else ""
    return f"<details{state}><summary>{text(summary)}</summary>{body}</details>"


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    numeric: frozenset[int] = frozenset(),
    prose: frozenset[int] = frozenset(),
) -> str:
    """Give a table that scrolls in itself when it is too wide; nothing without rows.

    Args:
        header: names of the columns.
        rows: one text for each column; a row of one text is a heading over all columns.
        numeric: columns that are aligned to the right.
        prose: columns that may wrap.
    """
    kinds = [
        ' class="number"' if index in numeric else ' class="prose"' if index in prose else ""
        for index in range(len(header))
    ]
    head = "".join(f"<th{kind}>{text(name)}</th>" for kind, name in zip(kinds, header, strict=True))
    body = "\n".join(f"<tr>{_cells(row, kinds)}</tr>" for row in rows)
    if not body:
        return ""
    inside = f"<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody>"
    return f'<div class="scroll"><table>{inside}</table></div>'


def _cells(row: Sequence[str], kinds: Sequence[str]) -> str:
    if len(row) == 1:
        return f'<th colspan="{len(kinds)}" class="group">{text(row[0])}</th>'
    return "".join(f"<td{kind}>{text(cell)}</td>" for kind, cell in zip(kinds, row, strict=True))


def sentences(lines: Iterable[Trouble]) -> str:
    """Give one paragraph for each (status, subject or empty, sentence)."""
    return "\n".join(
        f"<p>{status(word)} {f'<b>{text(subject)}</b>: ' if subject else ''}{text(sentence)}</p>"
        for word, subject, sentence in lines
    )
