"""Render a comparison of two sides for a terminal: the sides, a table, notes, one answer.

Add here: something that people need immediately. Keep out: texts that other forms show as well
(duet_words.py).
"""

from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from perf_pipeline.analysis.duet_record import DuetRecord
from perf_pipeline.report import wording
from perf_pipeline.report.duet_words import (
    HEADINGS,
    facts_of,
    outcome_of,
    rows_of,
    sentences_of,
)
from perf_pipeline.report.terminal import rendered

_STYLES: Final = {
    "FASTER": "green",
    "EQUIVALENT": "green",
    "SLOWER": "bold red",
    "FAILS MORE": "bold red",
    "UNDECIDED": "yellow",
}
_OTHER_STYLE: Final = "bold magenta"
_NUMBERS: Final = frozenset({"baseline", "candidate", "change", "interval", "margin"})


def render_duet(record: DuetRecord, width: int = 100, color: bool = False) -> str:
    """Return the report as lines for a terminal, with ANSI colours on request."""
    parts: list[RenderableType] = [_facts(record), Text()]
    if rows := list(rows_of(record)):
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for heading in HEADINGS:
            table.add_column(
                heading,
                justify="right" if heading in _NUMBERS else "left",
                no_wrap=heading != "operation",
                overflow="fold",
            )
        for row in rows:
            *cells, verdict = row.cells
            table.add_row(*map(_plain, cells), _verdict(verdict))
        parts += [table, Text()]
    parts += [_plain(f"- {sentence}") for sentence in sentences_of(record)]
    parts.append(_ending(record))
    return rendered(Group(*parts), width, color=color)


def render_duet_ending(record: DuetRecord) -> str:
    """Return only the last line."""
    return wording.printable(outcome_of(record))


def _facts(record: DuetRecord) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(_plain("duet"), _plain(record.run_id))
    for name, text in facts_of(record):
        grid.add_row(_plain(name), _plain(text))
    return grid


def _ending(record: DuetRecord) -> Text:
    verdict, colon, rest = outcome_of(record).partition(":")
    return Text.assemble(_verdict(verdict), colon, _plain(rest))


def _verdict(verdict: str) -> Text:
    return _plain(verdict, _STYLES.get(verdict, _OTHER_STYLE))


def _plain(text: str, style: str = "") -> Text:
    return Text(wording.printable(text), style=style)
