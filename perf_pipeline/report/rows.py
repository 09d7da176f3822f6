"""Rows of a query, for eyes or for other programs.

Add here: another form of rows. Keep out: the query (store/).
"""

import csv
import io
import re
from collections.abc import Sequence
from typing import Final

from rich.table import Table

from perf_pipeline.report.terminal import rendered
from perf_pipeline.report.wording import printable

_UNWRAPPED: Final = 1_000_000
_LONGEST_CELL: Final = 1_000
_NULL: Final = "null"
# A spreadsheet computes what begins like this (OWASP, CSV Injection); the last four are the wide
# forms, which it takes for the same.
_FORMULA: Final = re.compile(r"[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001 - the letters that are meant
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def render_rows(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    more: bool = False,
    longest: int | None = _LONGEST_CELL,
) -> str:
    """Return rows as an aligned table with their number below; long values are cut.

    Args:
        columns: their names.
        rows: the rows of the table.
        more: there are more rows than these.
        longest: letters of a cell that are shown; all when None.
    """
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*(_seen(value, longest) for value in row))
    count = "1 row" if len(rows) == 1 else f"{len(rows):,} rows"
    if more:
        count = f"the first {count}; there are more, and --rows 0 shows them all"
    return f"{rendered(table, _UNWRAPPED, color=False)}({count})\n"


def csv_of(rows: Sequence[Sequence[object]]) -> str:
    """Return rows as CSV (RFC 4180; null is empty) in which no cell is a formula to a spreadsheet.

    A text that would be one gets an apostrophe in front; numbers stay as they are.
    """
    stream = io.StringIO()
    csv.writer(stream).writerows([[_cell(value) for value in row] for row in rows])
    return stream.getvalue()


def _seen(value: object, longest: int | None) -> str:
    if value is None:
        return _NULL
    text = printable(str(value))
    if longest is None or len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text) - longest:,} more)"


def _cell(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    is_formula = _FORMULA.match(text) and not _NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text
